/// @file The relations, cues and small words of Spanish.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language spanish() {
  using enum valued;
  using enum value_kind;
  return {
      .name = tongue::spanish,
      .copulas = "es|está|se llama|será",
      .changed_copulas = "pasa a ser|ha pasado a ser|se ha cambiado a|se cambió a|ha cambiado a|cambió a",
      .articles = "el|la|los|las|lo",
      .indefinite = "un|una|unos|unas|cada|algún|alguna|otro|otra",
      .own = "mi|nuestro|nuestra|tu",
      .of = "de|del",
      .with = "con|para|en|a|al|por",
      .fresh = "nuevo|nueva|actual",
      .changes =
          "ahora|a partir de ahora|desde ahora|de ahora en adelante|desde hoy|a partir de hoy|"
          "hoy en día|actualmente|ya",
      .doubts = "en realidad|en verdad|de hecho|realmente|resulta que|perdón|actualización|novedad",
      .corrections = "corrección|rectificación|rectifico|corrijo|me equivoqué|fe de erratas",
      .instead = "en lugar de|en vez de|y no|no|ya no",
      .barred =
          "no|nunca|jamás|nadie|ninguno|ninguna|ni|sin|"
          "quizás|quizá|tal vez|acaso|probablemente|posiblemente|podría|sería|debería|si|"
          "quién|qué|cuál|dónde|cuándo|cómo|que|porque|"
          "también|además|tampoco|otro|otra|ambos|o|y|e|pero|sino|"
          "siempre|suele|solo|sólo|cada|todos|semanal|semanalmente|por|"
          "era|fue|antes|antiguamente|hasta|desde|durante|hoy|mañana|ayer|temporalmente|"
          "dice|dijo|cree|creo|piensa|"
          "él|ella|ellos|ellas|su|sus|este|esta|estos|ese|esa|aquí|allí|alguien|"
          "casi|aproximadamente|unos|menos|más|entre",
      .function_words =
          "un|una|el|la|los|las|lo|mi|nuestro|nuestra|"
          "de|del|en|a|al|con|para|por|como",
      .calendar =
          "lunes|martes|miércoles|jueves|viernes|sábado|domingo|"
          "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre",
      .describing =
          "alemán|alemana|español|española|francés|francesa|inglés|inglesa|"
          "jefe|jefa|médico|médica|católico|católica|"
          "aries|tauro|géminis|leo|virgo|libra",
      .nouns = {{several, any, false, false,
                 "hijo|hijos|hija|hijas|hermano|hermanos|hermana|hermanas|"
                 "primo|prima|tío|tía|sobrino|sobrina|abuelo|abuela|nieto|nieta|"
                 "amigo|amigos|amiga|amigas|compañero|compañera|vecino|vecina|"
                 "perro|perra|gato|gata|mascota|caballo|"
                 "miembro|profesor|profesora|alumno|alumna|empleado|empleada|jugador|equipo|club|"
                 "premio|afición|idioma|lengua|libro|novela|canción|película"},
                {one, place, false, false, "capital"},
                {one, person, false, false,
                 "jefe|jefa|gerente|supervisor|supervisora|director general|directora general|"
                 "presidente|presidenta|primer ministro|primera ministra|canciller|alcalde|alcaldesa|rey|reina|papa|"
                 "marido|esposo|esposa|mujer|madre|padre|casero|casera"},
                {one, number, false, false,
                 "edad|peso|altura|estatura|población|precio|salario|alquiler|"
                 "código postal|teléfono|número de teléfono|número de móvil|"
                 "número de cuenta|número de habitación|"
                 "talla de zapato|talla de zapatos|talla de calzado|número de zapato"},
                {changing, number, true, false, "número|talla|tamaño|hora|habitación|sala|piso|andén|puerta|asiento"},
                {one, code, false, false,
                 "contraseña|clave|pin|código de acceso|nombre de usuario|matrícula|"
                 "correo|correo electrónico|dirección de correo"},
                {one, any, false, false,
                 "apellido|dirección|grupo sanguíneo|color de ojos|color de pelo|"
                 "color favorito|comida favorita|libro favorito|película favorita"},
                {one, day, false, false, "cumpleaños|fecha de nacimiento|fecha límite|fecha de entrega|plazo"},
                {one, day, true, false, "reunión|cita|examen|entrevista|boda|fiesta|ceremonia|mudanza"},
                {changing, day, false, false,
                 "clase|curso|entrenamiento|ensayo|"
                 "vuelo|tren|autobús|partido|concierto|visita|viaje"}},
      .verbs = {{one, number, "tiene", "años"},
                {one, number, "pesa|cuesta|mide", ""},
                {one, number, "abre a las|cierra a las|abre a la|cierra a la", ""},
                {one, person, "está casado con|está casada con", ""},
                {changing, place, "vive en|reside en|trabaja en|trabaja para|estudia en", ""},
                {changing, day, "empieza a las|empieza el|comienza a las|termina a las|sale a las|llega a las", ""},
                {several, any,
                 "habla|ama|odia|toca|visitó|conoce|lee|colecciona|"
                 "es miembro de|es miembro del|es alérgico a|es alérgica a",
                 ""}},
  };
}

}  // namespace quipu::notes::corrections_detail

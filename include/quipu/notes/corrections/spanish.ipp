/// @file The relations, cues and small words of Spanish.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language spanish() {
  using enum valued;
  using enum value_kind;
  return {
      tongue::spanish,
      "es|está|se llama|será",
      "pasa a ser|ha pasado a ser|se ha cambiado a|se cambió a|ha cambiado a|cambió a",
      "el|la|los|las|lo",
      "un|una|unos|unas|cada|algún|alguna|otro|otra",
      "mi|nuestro|nuestra|tu",
      "de|del",
      "con|para|en|a|al|por",
      "nuevo|nueva|actual",
      "ahora|a partir de ahora|desde ahora|actualmente|desde hoy|a partir de hoy|hoy en día|de ahora en adelante|ya",
      "en realidad|de hecho|realmente|en verdad|resulta que|perdón|actualización|novedad",
      "corrección|rectificación|rectifico|corrijo|me equivoqué|fe de erratas",
      "en lugar de|en vez de|y no|no|ya no",
      "no|nunca|jamás|nadie|ninguno|ninguna|ni|sin|quizás|quizá|tal "
      "vez|acaso|probablemente|posiblemente|podría|sería|debería|si|quién|qué|cuál|"
      "dónde|cuándo|cómo|que|porque|también|además|tampoco|otro|otra|ambos|o|y|e|pero|sino|siempre|suele|solo|sólo|"
      "cada|todos|era|fue|antes|"
      "antiguamente|hasta|desde|durante|dice|dijo|cree|creo|piensa|él|ella|ellos|ellas|su|sus|este|esta|estos|ese|esa|"
      "aquí|allí|alguien|hoy|mañana|"
      "ayer|casi|aproximadamente|unos|menos|más|entre|temporalmente|semanal|semanalmente|por",
      "un|una|el|la|los|las|lo|de|del|en|a|al|con|para|por|como|mi|nuestro|nuestra",
      "lunes|martes|miércoles|jueves|viernes|sábado|domingo|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
      "septiembre|setiembre|octubre|noviembre|diciembre",
      "alemán|alemana|español|española|francés|francesa|inglés|inglesa|jefe|jefa|médico|médica|católico|católica|aries|"
      "tauro|géminis|leo|virgo|libra",
      {{several, any, false, false,
        "hijo|hijos|hija|hijas|hermano|hermanos|hermana|hermanas|amigo|amigos|amiga|amigas|primo|prima|tío|tía|sobrino|"
        "sobrina|abuelo|abuela|nieto|nieta|"
        "compañero|compañera|vecino|vecina|perro|perra|gato|gata|mascota|caballo|premio|afición|idioma|lengua|miembro|"
        "profesor|profesora|alumno|alumna|"
        "empleado|empleada|jugador|libro|novela|canción|película|equipo|club"},
       {one, place, false, false, "capital"},
       {one, person, false, false,
        "jefe|jefa|gerente|supervisor|supervisora|director general|directora general|presidente|presidenta|primer "
        "ministro|primera ministra|canciller|alcalde|"
        "alcaldesa|rey|reina|papa|marido|esposo|esposa|mujer|madre|padre|casero|casera"},
       {one, number, false, false,
        "edad|peso|altura|estatura|precio|código postal|salario|alquiler|número de teléfono|teléfono|número de "
        "móvil|número de cuenta|"
        "talla de zapato|talla de zapatos|talla de calzado|número de zapato|población|número de habitación"},
       {changing, number, true, false, "número|talla|tamaño|hora|habitación|sala|piso|andén|puerta|asiento"},
       {one, code, false, false,
        "contraseña|clave|pin|código de acceso|nombre de usuario|matrícula|correo electrónico|correo|dirección de "
        "correo"},
       {one, any, false, false,
        "dirección|grupo sanguíneo|apellido|color de ojos|color de pelo|color favorito|comida favorita|libro "
        "favorito|película favorita"},
       {one, day, false, false, "cumpleaños|fecha de nacimiento|fecha límite|fecha de entrega|plazo"},
       {one, day, true, false, "reunión|cita|examen|entrevista|boda|fiesta|ceremonia|mudanza"},
       {changing, day, false, false,
        "clase|curso|entrenamiento|vuelo|tren|autobús|partido|concierto|ensayo|visita|viaje"}},
      {{one, number, "tiene", "años"},
       {one, number, "pesa|cuesta|mide", ""},
       {one, number, "abre a las|cierra a las|abre a la|cierra a la", ""},
       {one, person, "está casado con|está casada con", ""},
       {changing, place, "vive en|trabaja en|trabaja para|estudia en|reside en", ""},
       {changing, day, "empieza a las|empieza el|comienza a las|termina a las|sale a las|llega a las", ""},
       {several, any,
        "habla|ama|odia|toca|visitó|conoce|lee|es miembro de|es miembro del|colecciona|es alérgico a|es alérgica a",
        ""}}};
}

}  // namespace quipu::notes::corrections_detail

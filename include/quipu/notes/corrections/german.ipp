/// @file The relations, cues and small words of German.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language german() {
  using enum valued;
  using enum value_kind;
  return {
      .name = tongue::german,
      .copulas = "ist|lautet|beträgt|heißt|findet",
      .changed_copulas = "wurde verlegt auf|wird verlegt auf|ist verlegt auf|wurde geändert auf",
      .articles = "der|die|das|den|dem|des",
      .indefinite = "ein|eine|einer|einem|einen|eines|jeder|jede|jedes",
      .own = "mein|meine|meiner|meines|dein|deine|unser|unsere|unserer|unseres",
      .of = "von|von der|von den|von dem|vom|des|der|für|für den|für die|für das",
      .with = "mit|bei|beim|zum|zur|in|im|am|an|auf|aus|nach",
      .fresh = "neue|neuer|neues|aktuelle|aktueller|aktuelles|jetzige|jetziger|jetziges",
      .changes =
          "jetzt|nun|nunmehr|ab jetzt|ab sofort|ab heute|seit heute|von jetzt an|"
          "inzwischen|mittlerweile|neuerdings|derzeit|zurzeit",
      .doubts =
          "doch|eigentlich|tatsächlich|in wirklichkeit|in wahrheit|genauer gesagt|"
          "aktualisierung|update|neu|entschuldigung",
      .corrections = "korrektur|berichtigung|richtigstellung|korrigiert|ich habe mich geirrt|ich lag falsch",
      .instead = "statt|anstatt|anstelle von|und nicht|nicht|nicht mehr|nicht länger",
      .barred =
          "nicht|kein|keine|keiner|keinen|nie|niemals|niemand|weder|noch|ohne|"
          "vielleicht|wahrscheinlich|vermutlich|möglicherweise|eventuell|wohl|"
          "könnte|würde|sollte|müsste|wenn|falls|ob|"
          "wer|wen|wem|was|welche|welcher|wo|wann|warum|wie|dass|weil|"
          "auch|ebenfalls|außerdem|anderer|andere|beide|oder|und|aber|sondern|"
          "immer|manchmal|oft|meistens|nur|jeden|jede|wöchentlich|monatlich|täglich|pro|je|"
          "war|waren|wird|wurde|früher|damals|bis|seit|vor|während|heute|morgen|gestern|vorübergehend|"
          "sagt|sagte|glaubt|glaube|meint|denkt|behauptet|hofft|"
          "er|sie|es|ihm|ihn|ihr|ihre|ihrer|sein|seine|seiner|dieser|diese|dieses|dort|hier|jemand|"
          "etwa|ungefähr|fast|circa|ca|mindestens|höchstens|zwischen",
      .function_words =
          "ein|eine|einer|einem|einen|der|die|das|den|dem|des|mein|meine|"
          "von|vom|für|in|im|am|an|auf|bei|beim|mit|zu|zum|zur|aus|um|nach|als|über|unter",
      .calendar =
          "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|"
          "montags|dienstags|mittwochs|donnerstags|freitags|samstags|sonntags|"
          "januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember",
      .describing =
          "deutsch|deutsche|deutscher|franzose|brite|britin|däne|pole|schwede|russe|russin|türke|chinese|"
          "jude|christ|christin|katholik|muslim|muslima|vegan|veganer|vegetarier|"
          "mutter|vater|witwe|witwer|single|krank|schwanger|rentner|rentnerin|hausfrau|student|"
          "chef|chefin|boss|geschäftsführer|angestellte|angestellter|beamter|beamte|selbstständig|"
          "arzt|ärztin|doktor|professor|anwalt|anwältin|richter|steuerberater|koch|pilot|soldat|"
          "krebs|widder|stier|waage|skorpion|schütze|steinbock|wassermann|fische|löwe|jungfrau|zwilling",
      .nouns = {{several, any, false, true,
                 "kind|kinder|sohn|söhne|tochter|töchter|bruder|brüder|bruders|schwester|schwestern|"
                 "cousin|cousine|onkel|tante|neffe|nichte|oma|opa|großmutter|großvater|enkel|enkelin|"
                 "freund|freunde|freundin|freundes|kollege|kollegin|kollegen|nachbar|nachbarin|nachbarn|"
                 "hund|hundes|katze|haustier|pferd|kaninchen|"
                 "mitglied|lehrer|lehrerin|schüler|schülerin|student|studentin|mitarbeiter|mitarbeiterin|"
                 "partnerstadt|verein|hobby|sprache|buch|lied|film"},
                {one, place, false, false, "hauptstadt"},
                {one, person, false, false,
                 "chef|chefin|vorgesetzte|vorgesetzter|manager|managerin|leiter|leiterin|"
                 "abteilungsleiter|abteilungsleiterin|teamleiter|teamleiterin|geschäftsführer|geschäftsführerin|"
                 "schulleiter|schulleiterin|direktor|direktorin|vorsitzende|vorsitzender|"
                 "präsident|präsidentin|kanzler|kanzlerin|bundeskanzler|bundeskanzlerin|könig|königin|papst|"
                 "bürgermeister|bürgermeisterin|oberbürgermeister|oberbürgermeisterin|"
                 "mann|ehemann|frau|ehefrau|mutter|vater|hausarzt|hausärztin|vermieter|vermieterin"},
                {one, number, false, false,
                 "schuhgröße|körpergröße|alter|gewicht|geburtsjahr|einwohnerzahl|"
                 "preis|eintrittspreis|ticketpreis|fahrpreis|miete|gehalt|postleitzahl|vorwahl|"
                 "telefonnummer|handynummer|mobilnummer|faxnummer|"
                 "hausnummer|zimmernummer|kontonummer|kundennummer|passnummer|iban"},
                {changing, number, true, false, "nummer|größe|zeit|zimmer|raum|stockwerk|gleis|sitzplatz"},
                {one, code, false, false,
                 "passwort|wlanpasswort|kennwort|pin|türcode|zugangscode|benutzername|"
                 "kennzeichen|autokennzeichen|"
                 "email|e mail|emailadresse|e mail adresse|mailadresse"},
                {one, any, false, false,
                 "nachname|vorname|geburtsname|adresse|anschrift|wohnadresse|blutgruppe|augenfarbe|haarfarbe|"
                 "lieblingsfarbe|lieblingsessen|lieblingsfilm|lieblingsbuch|lieblingstier|lieblingszahl|lieblingslied"},
                {one, day, false, false,
                 "geburtstag|geburtsdatum|hochzeitstag|"
                 "abgabetermin|frist|abgabefrist|stichtag|umzugstermin"},
                {one, day, true, true,
                 "termin|treffen|besprechung|sitzung|besichtigung|"
                 "prüfung|klausur|vorstellungsgespräch|hochzeit|feier"},
                {changing, day, false, true,
                 "kurs|training|unterricht|vorlesung|seminar|probe|"
                 "flug|zug|bus|spiel|konzert|besuch"}},
      .verbs = {{one, number, "ist", "jahre alt|jahr alt|cm groß|zentimeter groß|m groß|meter groß"},
                {one, number, "wiegt|kostet|misst", ""},
                {one, number, "öffnet um|schließt um", ""},
                {one, person, "ist verheiratet mit|ist verlobt mit", ""},
                {changing, place,
                 "wohnt in|wohnt im|lebt in|"
                 "arbeitet in|arbeitet im|arbeitet bei|arbeitet für|studiert in",
                 ""},
                {changing, day, "beginnt|beginnt um|beginnt am|startet um|endet um|fährt um", ""},
                {several, any,
                 "spricht|mag|liebt|hasst|spielt|besuchte|kennt|liest|besitzt|sammelt|"
                 "ist mitglied im|ist mitglied in|ist allergisch gegen",
                 ""}},
  };
}

}  // namespace quipu::notes::corrections_detail

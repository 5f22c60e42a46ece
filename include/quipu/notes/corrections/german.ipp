/// @file The relations, cues and small words of German.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language german() {
  using enum valued;
  using enum value_kind;
  return {
      tongue::german,
      "ist|lautet|beträgt|heißt|findet",
      "wurde verlegt auf|wird verlegt auf|wurde geändert auf|ist verlegt auf",
      "der|die|das|den|dem|des",
      "ein|eine|einer|einem|einen|eines|jeder|jede|jedes",
      "mein|meine|unser|unsere|dein|deine|meiner|meines|unserer|unseres",
      "von|vom|des|der|für|für den|für die|für das|von der|von den|von dem",
      "mit|bei|beim|zum|zur|in|im|am|an|auf|aus|nach",
      "neue|neuer|neues|aktuelle|aktueller|aktuelles|jetzige|jetziger|jetziges",
      "jetzt|nun|ab jetzt|ab sofort|von jetzt an|inzwischen|mittlerweile|seit heute|ab "
      "heute|nunmehr|neuerdings|derzeit|zurzeit",
      "doch|eigentlich|tatsächlich|in wirklichkeit|in wahrheit|genauer gesagt|aktualisierung|update|neu|entschuldigung",
      "korrektur|berichtigung|richtigstellung|korrigiert|ich habe mich geirrt|ich lag falsch",
      "statt|anstatt|anstelle von|und nicht|nicht mehr|nicht|nicht länger",
      "nicht|kein|keine|keiner|keinen|nie|niemals|niemand|weder|noch|ohne|vielleicht|wahrscheinlich|vermutlich|"
      "möglicherweise|eventuell|wohl|"
      "könnte|würde|sollte|müsste|wenn|falls|ob|wer|wen|wem|was|welche|welcher|wo|wann|warum|wie|dass|weil|auch|"
      "ebenfalls|außerdem|anderer|"
      "andere|beide|oder|und|aber|sondern|immer|manchmal|oft|meistens|nur|jeden|jede|war|waren|wird|wurde|früher|"
      "damals|bis|seit|vor|während|sagt|"
      "sagte|glaubt|glaube|meint|denkt|behauptet|hofft|er|sie|es|ihm|ihn|ihr|ihre|ihrer|sein|seine|seiner|dieser|diese|"
      "dieses|dort|hier|jemand|"
      "heute|morgen|gestern|etwa|ungefähr|fast|circa|ca|mindestens|höchstens|zwischen|vorübergehend|wöchentlich|"
      "monatlich|täglich|pro|je",
      "ein|eine|einer|einem|einen|der|die|das|den|dem|des|von|vom|für|in|im|am|an|auf|bei|beim|mit|zu|zum|zur|aus|um|"
      "nach|als|über|unter|mein|meine",
      "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|montags|dienstags|mittwochs|donnerstags|"
      "freitags|samstags|sonntags|"
      "januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember",
      "deutsch|deutsche|deutscher|franzose|brite|britin|däne|pole|schwede|russe|russin|türke|chinese|jude|christ|"
      "christin|katholik|muslim|muslima|"
      "arzt|ärztin|koch|anwalt|anwältin|pilot|rentner|rentnerin|chef|chefin|mutter|vater|boss|professor|doktor|vegan|"
      "veganer|vegetarier|student|"
      "soldat|richter|angestellte|angestellter|beamter|beamte|selbstständig|krank|schwanger|geschäftsführer|witwe|"
      "witwer|single|hausfrau|steuerberater|"
      "krebs|widder|stier|waage|skorpion|schütze|steinbock|wassermann|fische|löwe|jungfrau|zwilling",
      {{several, any, false, true,
        "kind|kinder|sohn|söhne|tochter|töchter|bruder|brüder|bruders|schwester|schwestern|freund|freunde|freundin|"
        "freundes|cousin|cousine|onkel|tante|"
        "neffe|nichte|oma|opa|großmutter|großvater|enkel|enkelin|kollege|kollegin|kollegen|nachbar|nachbarin|nachbarn|"
        "hund|hundes|katze|haustier|pferd|"
        "kaninchen|hobby|sprache|mitglied|lehrer|lehrerin|schüler|schülerin|student|studentin|mitarbeiter|"
        "mitarbeiterin|partnerstadt|verein|buch|lied|film"},
       {one, place, false, false, "hauptstadt"},
       {one, person, false, false,
        "chef|chefin|vorgesetzte|vorgesetzter|leiter|leiterin|abteilungsleiter|abteilungsleiterin|teamleiter|"
        "teamleiterin|geschäftsführer|"
        "geschäftsführerin|präsident|präsidentin|kanzler|kanzlerin|bundeskanzler|bundeskanzlerin|könig|königin|papst|"
        "bürgermeister|bürgermeisterin|"
        "oberbürgermeister|oberbürgermeisterin|schulleiter|schulleiterin|direktor|direktorin|vorsitzende|vorsitzender|"
        "mann|ehemann|frau|ehefrau|mutter|"
        "vater|manager|managerin|hausarzt|hausärztin|vermieter|vermieterin"},
       {one, number, false, false,
        "schuhgröße|körpergröße|alter|gewicht|preis|postleitzahl|miete|geburtsjahr|gehalt|einwohnerzahl|eintrittspreis|"
        "ticketpreis|fahrpreis|"
        "telefonnummer|handynummer|mobilnummer|faxnummer|hausnummer|zimmernummer|kontonummer|kundennummer|passnummer|"
        "iban|vorwahl"},
       {changing, number, true, false, "nummer|größe|zeit|zimmer|raum|stockwerk|gleis|sitzplatz"},
       {one, code, false, false,
        "passwort|wlanpasswort|kennwort|pin|türcode|zugangscode|benutzername|kennzeichen|autokennzeichen|emailadresse|"
        "e mail adresse|mailadresse|e mail|email"},
       {one, any, false, false,
        "adresse|anschrift|wohnadresse|blutgruppe|nachname|vorname|geburtsname|augenfarbe|haarfarbe|"
        "lieblingsfarbe|lieblingsessen|lieblingsfilm|lieblingsbuch|lieblingstier|lieblingszahl|lieblingslied"},
       {one, day, false, false,
        "geburtstag|geburtsdatum|abgabetermin|frist|abgabefrist|stichtag|hochzeitstag|umzugstermin"},
       {one, day, true, true,
        "termin|treffen|besprechung|prüfung|klausur|vorstellungsgespräch|hochzeit|feier|sitzung|besichtigung"},
       {changing, day, false, true,
        "kurs|training|unterricht|flug|zug|bus|spiel|konzert|vorlesung|probe|besuch|seminar"}},
      {{one, number, "ist", "jahre alt|jahr alt|cm groß|m groß|meter groß|zentimeter groß"},
       {one, number, "wiegt|kostet|misst", ""},
       {one, number, "öffnet um|schließt um", ""},
       {one, person, "ist verheiratet mit|ist verlobt mit", ""},
       {changing, place, "wohnt in|lebt in|arbeitet in|arbeitet bei|arbeitet für|studiert in|wohnt im|arbeitet im", ""},
       {changing, day, "beginnt um|beginnt am|startet um|endet um|fährt um|beginnt", ""},
       {several, any,
        "spricht|mag|liebt|hasst|spielt|besuchte|kennt|liest|besitzt|sammelt|ist mitglied im|ist mitglied in|ist "
        "allergisch gegen",
        ""}}};
}

}  // namespace quipu::notes::corrections_detail

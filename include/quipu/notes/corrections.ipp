// What corrections.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/notes/corrections.hpp>
#include <quipu/notes/passages.hpp>  // sentences_of
#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/character_class.hpp>
#include <quipu/text/unicode_normal.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::notes {
namespace corrections_detail {

struct word {
  std::string text;      // in the form that searches compare, or one mark
  bool capital = false;  // as it was written
  bool number = false;   // has a digit
  bool mark = false;     // no letters
};
using words = std::vector<word>;

QUIPU_INLINE bool is_digit(char32_t c) { return (c >= U'0' && c <= U'9') || (c >= U'\uFF10' && c <= U'\uFF19'); }

/// Words, letters of scripts without blanks one by one, numbers whole ("9:15", "1.80"), "'s" apart, and the marks that
/// change what is said.
QUIPU_INLINE words cut(std::string_view text) {
  constexpr std::u32string_view apostrophes = U"'\u2019\u02BC", joints = U".,:/-";
  struct mark {
    std::u32string_view from;
    const char* to;
  };
  static constexpr mark marks[] = {{U",\uFF0C\u3001", ","}, {U":\uFF1A", ":"},  {U";\uFF1B", ";"},
                                   {U"?\uFF1F\u00BF", "?"}, {U"(\uFF08[", "("}, {U")\uFF09]", ")"},
                                   {U"\u2013\u2014", ";"}};
  constexpr std::u32string_view dropped =
      U".!\u3002\uFF01\u00A1\"\u201C\u201D\u201E\u00AB\u00BB\u300C\u300D\u2018-\u2026\u00B7";
  const auto at = [&](std::size_t i) {
    return i < text.size() ? text::decode_utf8(text, i) : text::utf8_step{0, 1, {}};
  };
  words out;
  std::string run;
  bool capital = false, number = false;
  const auto end_run = [&] {
    if (run.empty()) return;
    out.push_back({text::to_search_form(run), capital, number, false});
    run.clear();
    capital = number = false;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto step = at(i);
    const char32_t c = step.code_point;
    const std::string_view letter = text.substr(i, step.length);
    i += step.length;
    const auto next = at(i);
    if (is_word_character(c) || (!run.empty() && text::is_mark(c))) {
      if (is_unspaced(c)) {
        end_run();
        out.push_back({std::string(letter), false, false, false});
        continue;
      }
      if (run.empty()) capital = to_lower(c) != c;
      number = number || is_digit(c);
      run += letter;
    } else if (!run.empty() && joints.find(c) != std::u32string_view::npos && is_digit(next.code_point) &&
               run.find_first_not_of("0123456789.,:/-") == std::string::npos) {
      run += letter;
    } else if (!run.empty() && apostrophes.find(c) != std::u32string_view::npos) {
      const bool letters = is_word_character(next.code_point);
      const bool genitive =
          (next.code_point == U's' || next.code_point == U'S') && !is_word_character(at(i + 1).code_point);
      if (genitive) {
        end_run();
        out.push_back({"'s", false, false, false});
        ++i;
      } else if (letters) {
        run += '\'';
      } else {
        end_run();
        out.push_back({"'", false, false, false});
      }
    } else {
      end_run();
      if (c <= U' ' || c == 0xA0 || c == 0x3000 || dropped.find(c) != std::u32string_view::npos) continue;
      const auto* known = std::find_if(std::begin(marks), std::end(marks),
                                       [&](const mark& m) { return m.from.find(c) != std::u32string_view::npos; });
      out.push_back({known != std::end(marks) ? known->to : std::string(letter), false, false, true});
    }
  }
  end_run();
  return out;
}

QUIPU_INLINE words part(const words& w, std::size_t begin, std::size_t end) {
  return {w.begin() + static_cast<std::ptrdiff_t>(begin),
          w.begin() + static_cast<std::ptrdiff_t>(std::max(begin, end))};
}
QUIPU_INLINE std::string joined(const words& w) {
  std::string out;
  for (const word& one : w) out += (out.empty() ? "" : " ") + one.text;
  return out;
}
QUIPU_INLINE bool same_words(const words& a, const words& b) { return joined(a) == joined(b); }
QUIPU_INLINE bool contains(const words& whole, const words& some) {
  return std::search(whole.begin(), whole.end(), some.begin(), some.end(),
                     [](const word& a, const word& b) { return a.text == b.text; }) != whole.end();
}

/// Phrases of one or more words, told apart by '|'.
class phrases {
 public:
  phrases(const char* list) {  // NOLINT(google-explicit-constructor): tables are written as texts
    for (std::string_view rest = list; !rest.empty();) {
      const std::size_t end = std::min(rest.find('|'), rest.size());
      phrase one;
      for (word& w : cut(rest.substr(0, end))) one.push_back(std::move(w.text));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (one.empty()) continue;
      for (auto* some : {&by_first_[one.front()], &by_last_[one.back()]}) {
        some->insert(std::find_if(some->begin(), some->end(), [&](const phrase& p) { return p.size() < one.size(); }),
                     one);
      }
    }
  }
  /// Words of the longest phrase at `begin`; 0 if none is there.
  [[nodiscard]] std::size_t at(const words& w, std::size_t begin) const {
    if (begin >= w.size()) return 0;
    const auto found = by_first_.find(w[begin].text);
    if (found == by_first_.end()) return 0;
    for (const phrase& p : found->second) {
      if (p.size() <= w.size() - begin && stands(p, w, begin)) return p.size();
    }
    return 0;
  }
  /// Words of the longest phrase before `end`.
  [[nodiscard]] std::size_t ending(const words& w, std::size_t end) const {
    if (end == 0 || end > w.size()) return 0;
    const auto found = by_last_.find(w[end - 1].text);
    if (found == by_last_.end()) return 0;
    for (const phrase& p : found->second) {
      if (p.size() <= end && stands(p, w, end - p.size())) return p.size();
    }
    return 0;
  }
  [[nodiscard]] bool any(const words& w) const {
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (at(w, i) > 0) return true;
    }
    return false;
  }
  [[nodiscard]] bool empty() const { return by_first_.empty(); }
  /// Is a word alone a phrase?
  [[nodiscard]] bool has(const std::string& text) const {
    const auto found = by_first_.find(text);
    return found != by_first_.end() && found->second.back().size() == 1;
  }
  /// Does a word end with one of them, as German compounds do?
  [[nodiscard]] bool compound(const std::string& text) const {
    return std::any_of(by_first_.begin(), by_first_.end(),
                       [&](const auto& one) { return has(one.first) && text.ends_with(one.first); });
  }

 private:
  using phrase = std::vector<std::string>;
  [[nodiscard]] static bool stands(const phrase& p, const words& w, std::size_t begin) {
    return std::equal(p.begin(), p.end(), w.begin() + static_cast<std::ptrdiff_t>(begin),
                      [](const std::string& a, const word& b) { return a == b.text; });
  }
  std::unordered_map<std::string, std::vector<phrase>> by_first_, by_last_;  // the longest first
};

/// How many values a relation has.
enum class valued : std::uint8_t {
  one,
  changing,  // one at a time, or one that may be more exact: a cue is needed
  open,      // not known
  several,
};
enum class value_kind : std::uint8_t { person, place, number, code, day, any };
enum class cue : std::uint8_t { none, change, doubt, correction };

/// Nouns that name a relation.
struct noun_group {
  valued kind;
  value_kind value;
  bool vague;      // tells one thing from another only with a further word: "size", "exam", but not "shoe size"
  bool compounds;  // also the ends of longer words
  phrases nouns;
};
/// Verbs that name a relation; the value stands between `verb` and `tail`.
struct verb_group {
  valued kind;
  value_kind value;
  phrases verbs, tail;
};

enum class tongue : std::uint8_t { english, german, spanish, chinese };

struct language {
  tongue name;
  phrases copulas;                       // between a description and its value
  phrases changed_copulas;               // the same, and a cue
  phrases articles, indefinite, own;     // "my"
  phrases of, with;                      // between a noun and what it belongs to
  phrases fresh;                         // "new"
  phrases changes, doubts, corrections;  // cues
  phrases instead;                       // before what no longer holds
  phrases barred;  // denials, doubts, additions, times, reports, pronouns: nothing is told from such notes
  phrases function_words;
  phrases calendar;    // days and months
  phrases describing;  // what a person can be besides a name
  std::vector<noun_group> nouns;
  std::vector<verb_group> verbs;
};

QUIPU_INLINE language english() {
  using enum valued;
  using enum value_kind;
  return {
      tongue::english,
      "is|is called|is named",
      "has changed to|changed to|is changed to|has moved to|was moved to|has been moved to|is moved to|becomes",
      "the",
      "a|an|some|any|one|another|each|every",
      "my|our|your",
      "of|for",
      "with|at|in|to|on|from|about|by",
      "new|current|present",
      "now|from now on|as of now|as of today|currently|is now|nowadays|these days|meanwhile|since today",
      "actually|in fact|it turns out that|it turns out|in reality|in truth|sorry|update|updated|new",
      "correction|corrected|erratum|i was wrong|i made a mistake",
      "instead of|rather than|and not|not|no longer|not any more",
      "not|no|never|nobody|none|neither|nor|without|isn't|wasn't|doesn't|don't|cannot|can't|won't|maybe|perhaps|"
      "possibly|probably|"
      "might|may "
      "be|could|would|should|must|if|whether|unless|when|who|whom|whose|what|which|where|why|how|that|because|also|too|"
      "another|other|both|either|or|and|but|still|usually|sometimes|often|always|only|every|each|was|were|will|used "
      "to|formerly|"
      "previously|until|since|before|after|during|ago|says|said|say|thinks|thought|think|believes|believe|claims|"
      "claimed|hopes|hears|"
      "heard|wants|wishes|he|she|it|they|them|him|his|her|hers|their|its|this|these|those|there|here|someone|somebody|"
      "everyone|today|"
      "tomorrow|yesterday|tonight|about|around|almost|nearly|approximately|over|under|least|most|between|temporarily|"
      "weekly|monthly|per|daily",
      "a|an|the|of|for|in|at|on|to|from|with|by|as|near|into|than|like|my|our|your",
      "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun|january|february|march|"
      "april|may|june|july|"
      "august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec",
      "english|british|scottish|irish|welsh|german|french|spanish|italian|american|canadian|mexican|chinese|japanese|"
      "korean|indian|russian|"
      "polish|turkish|greek|dutch|belgian|swiss|austrian|danish|swedish|norwegian|finnish|portuguese|brazilian|"
      "australian|ukrainian|czech|"
      "hungarian|romanian|bulgarian|serbian|croatian|iranian|persian|iraqi|israeli|arab|arabic|egyptian|african|asian|"
      "european|jewish|"
      "christian|catholic|protestant|muslim|buddhist|hindu|vietnamese|thai|pakistani|nigerian|kenyan|argentinian|"
      "chilean|cuban|colombian|"
      "mum|mom|dad|boss|manager|ceo|president|doctor|teacher|professor|engineer|mother|father|wife|husband|vegan|"
      "vegetarian|"
      "aries|taurus|gemini|leo|virgo|libra|scorpio|capricorn|aquarius|pisces",
      {{several, any, false, false,
        "child|children|son|sons|daughter|daughters|brother|brothers|sister|sisters|sibling|siblings|friend|friends|"
        "cousin|cousins|uncle|aunt|"
        "nephew|niece|grandmother|grandfather|grandson|granddaughter|colleague|neighbour|neighbor|dog|cat|pet|parrot|"
        "horse|rabbit|hamster|award|"
        "prize|hobby|language|member|player|student|pupil|employee|teacher|twin city|partner city|band|team|club|"
        "book|novel|song|film|movie|toy|language|skill|interest|customer|client|supplier|grandchild|stepbrother|"
        "stepsister|roommate|flatmate"},
       {one, place, false, false, "capital|capital city"},
       {one, person, false, false,
        "manager|line manager|boss|supervisor|ceo|cfo|cto|president|chancellor|prime "
        "minister|mayor|king|queen|pope|head|head of state|chairman|"
        "chairwoman|chairperson|head "
        "coach|headmaster|headmistress|husband|wife|spouse|fiance|mother|father|principal|landlord|landlady"},
       {one, number, false, false,
        "shoe size|age|weight|height|price|phone number|telephone number|mobile number|room number|house "
        "number|postcode|zip code|post code|"
        "postal code|area code|licence number|account number|iban|passport number|customer number|population|birth "
        "year|year of birth|"
        "speed limit|rent|salary|entrance fee|fee|length|width|depth|opening time|closing time"},
       {changing, number, true, false, "number|size|time|date|room|floor|platform|gate|seat"},
       {one, code, false, false,
        "password|passphrase|passcode|pin|pin code|access code|door code|username|user name|licence plate|license "
        "plate|email|e mail|email address|e mail address"},
       {one, code, true, false, "code"},
       {one, any, false, false,
        "address|blood type|blood group|surname|last name|first name|maiden name|eye colour|eye color|hair colour|hair "
        "color"},
       {one, day, false, false,
        "birthday|birth date|birthdate|date of birth|deadline|due date|wedding day|start date|end date|moving "
        "date|submission date"},
       {one, day, true, false,
        "meeting|appointment|exam|examination|interview|wedding|party|birthday "
        "party|ceremony|move|viewing|presentation"},
       {changing, day, false, false,
        "class|course|lesson|training|flight|train|bus|match|game|concert|film|lecture|rehearsal|call|visit|trip|"
        "seminar|workshop"}},
      {{one, number, "is", "years old|year old|cm tall|metres tall|meters tall|m tall"},
       {one, number, "weighs|costs|measures", ""},
       {one, number, "opens at|closes at", ""},
       {one, person, "is married to|is engaged to|reports to", ""},
       {changing, place, "lives in|lives at|works in|works at|works for|studies at|studies in|is based in|resides in",
        ""},
       {changing, day, "starts at|begins at|ends at|leaves at|arrives at|takes place on|takes place at|is due on", ""},
       {changing, number, "leaves from|departs from", ""},
       {several, any,
        "speaks|likes|loves|hates|enjoys|plays|visited|knows|reads|has read|is a member of|has "
        "visited|owns|collects|sells|is allergic to|is a fan of|was in",
        ""}}};
}

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

QUIPU_INLINE language chinese() {
  using enum valued;
  using enum value_kind;
  return {tongue::chinese,
          "是|为|叫|在",
          "改为|改成|变成|改在|改到|已改为|已改成|换成|换成了|变成了|改成了|改为了|已变更为|变更为|推迟到|提前到",
          "",
          "一个|一位|有个|某|每",
          "我的|我们的|我|我们",
          "的",
          "和|与|跟|同",
          "新的|新|现任|目前的|现在的",
          "现在|从现在起|从现在开始|目前|如今|从今天起|眼下|已经|现在已经",
          "其实|实际上|事实上|原来|更新|抱歉",
          "更正|纠正|订正|勘误|我说错了|我记错了",
          "而不是|而非|不再是|不是|不再",
          "不|没|非|未|别|无|吗|呢|吧|谁|什么|哪|几|如果|要是|假如|可能|也许|或许|大概|应该|好像|也|还|又|另|和|与|或|"
          "以前|曾|过去|之前|直到|说|认为|觉得|以为|听|"
          "他|她|它|这|那|有人|今天|明天|昨天|左右|大约|差不多|至少|每|暂时",
          "的|在|一个|一位",
          "",
          "人|师|员|家|者|生|性|教授|医生|朋友|同学|同事|邻居|亲戚|女的|男的|老板|经理|教练|属",
          {{several, any, false, false,
            "孩子|儿子|女儿|哥哥|弟弟|姐姐|妹妹|兄弟|姐妹|朋友|男朋友|女朋友|表哥|表姐|叔叔|阿姨|同事|同学|邻居|狗|猫|"
            "宠物|爱好|语言|成员|老师|学生|员工|奖项|球队|书|歌|电影"},
           {one, place, false, false, "首都"},
           {one, person, false, false,
            "经理|上司|老板|主管|总统|主席|总理|首相|市长|校长|首席执行官|总经理|丈夫|妻子|老公|老婆|母亲|父亲|妈妈|"
            "爸爸|房东|班主任|国王|女王"},
           {one, number, false, false,
            "鞋码|身高|体重|年龄|价格|房租|工资|邮编|邮政编码|电话号码|手机号|手机号码|电话|房间号|门牌号|账号|人口"},
           {changing, number, true, false, "号码|尺码|房间|座位|站台|登机口"},
           {one, code, false, false, "密码|车牌号|用户名|邮箱|电子邮箱|门禁密码"},
           {one, any, false, false, "地址|住址|血型|最喜欢的颜色|最喜欢的食物"},
           {one, day, false, false, "生日|出生日期|截止日期|交稿日期"},
           {one, day, true, false, "会议|约会|考试|面试|婚礼|会面|预约"},
           {changing, day, false, false, "课|课程|训练|航班|火车|比赛|音乐会|演出|讲座"}},
          {{one, number, "", "岁"},
           {one, number, "", "点开门|点半开门|点关门|点半关门"},
           {one, number, "售价|卖|重", ""},
           {changing, place, "住在|居住在", ""},
           {several, any, "会说|喜欢|爱|讨厌|会弹|去过|养了|读过", ""}}};
}

QUIPU_INLINE const std::vector<language>& languages() {
  static const std::vector<language> all = [] {
    std::vector<language> some;
    some.push_back(english());
    some.push_back(german());
    some.push_back(spanish());
    some.push_back(chinese());
    return some;
  }();
  return all;
}

struct statement {
  const language* in = nullptr;
  std::string key;  // subject and relation
  valued kind = valued::open;
  value_kind wanted = value_kind::any;
  words value;
  words denied;  // what it says no longer holds
  cue announced = cue::none;
};

/// A description such as "the capital of Norway", as a key that other forms of it share.
struct description {
  std::string key;
  valued kind;
  value_kind wanted;
  bool fresh = false;  // "new"
};

/// Of the words at `end` and before: the noun group, and how many words it has.
QUIPU_INLINE std::pair<const noun_group*, std::size_t> noun_ending(const language& in, const words& w,
                                                                   std::size_t end) {
  std::pair<const noun_group*, std::size_t> best{nullptr, 0};
  for (const noun_group& group : in.nouns) {
    std::size_t n = group.nouns.ending(w, end);
    if (n == 0 && end > 0 && group.compounds && in.name == tongue::german && group.nouns.compound(w[end - 1].text))
      n = 1;
    if (n > best.second) best = {&group, n};
  }
  return best;
}
QUIPU_INLINE std::pair<const noun_group*, std::size_t> noun_at(const language& in, const words& w, std::size_t begin) {
  std::pair<const noun_group*, std::size_t> best{nullptr, 0};
  for (const noun_group& group : in.nouns) {
    if (const std::size_t n = group.nouns.at(w, begin); n > best.second) best = {&group, n};
  }
  return best;
}

QUIPU_INLINE words without(const words& w, const phrases& some) {
  words out;
  for (std::size_t i = 0; i < w.size();) {
    const std::size_t n = some.at(w, i);
    if (n == 0) out.push_back(w[i]);
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

QUIPU_INLINE bool is_genitive(const word& w) { return w.text == "'s" || w.text == "'"; }
QUIPU_INLINE words without_genitive(words w) {
  std::erase_if(w, is_genitive);
  return w;
}

QUIPU_INLINE bool has_several(const language& in, const words& w) {
  if (in.nouns.front().nouns.any(w)) return true;
  return in.name == tongue::german && std::any_of(w.begin(), w.end(), [&](const word& one) {
           return in.nouns.front().nouns.compound(one.text) ||
                  (one.text.ends_with('s') && in.nouns.front().nouns.compound(one.text.substr(0, one.text.size() - 1)));
         });
}

/// Takes out "new" where it stands before a noun and is no part of a name.
QUIPU_INLINE bool take_fresh(const language& in, words& w, std::size_t first) {
  for (std::size_t i = 0; i + (in.name == tongue::spanish ? 0 : 1) < w.size(); ++i) {
    const std::size_t n = in.fresh.at(w, i);
    if (n == 0 || (w[i].capital && (i > 0 || first > 0))) continue;
    w.erase(w.begin() + static_cast<std::ptrdiff_t>(i), w.begin() + static_cast<std::ptrdiff_t>(i + n));
    return true;
  }
  return false;
}

QUIPU_INLINE void strip_genitive(words& w) {
  if (w.empty()) return;
  if (is_genitive(w.back())) {
    w.pop_back();
  } else if (w.back().text.size() > 3 && w.back().text.ends_with('s')) {
    w.back().text.pop_back();
  }
}

QUIPU_INLINE std::optional<description> describe(const language& in, words w, bool definite_only) {
  if (w.empty() || in.indefinite.at(w, 0) > 0) return {};
  if (std::any_of(w.begin(), w.end(), [](const word& one) { return one.mark; })) return {};
  const std::size_t n_article = in.articles.at(w, 0);
  const bool article = n_article > 0;
  w.erase(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(n_article));
  if (w.empty()) return {};
  description d{{}, valued::open, value_kind::any, take_fresh(in, w, n_article)};
  const bool own = in.own.at(w, 0) > 0;
  words subject, relation = w;
  std::string link;  // a preposition that tells something
  const noun_group* group = nullptr;
  bool qualified = false, definite = article || own;
  const std::size_t n = w.size();
  if (in.name == tongue::spanish) {
    const std::size_t head = own ? in.own.at(w, 0) : 0;
    const auto [found, size] = noun_at(in, w, head);
    group = found;
    subject = without(without(w, in.articles), "de|del");
    relation = {};
    const words rest = part(w, std::min(n, head + size), n);
    if (group != nullptr) {
      if (!rest.empty() && in.of.at(rest, 0) == 0 && in.with.at(rest, 0) == 0) return {};
      if (rest.empty() && !own && group->kind == valued::one) d.kind = valued::changing;  // belongs to nothing
      std::size_t n_of = 0;
      for (std::size_t i = 0; i < rest.size(); ++i) n_of += in.of.at(rest, i) > 0 ? 1 : 0;
      qualified = in.with.any(rest) || n_of > 1;
      if (has_several(in, rest)) d.kind = valued::several;
    }
  } else if (const auto [end_group, end_size] = noun_ending(in, w, n); end_group != nullptr && n > end_size) {
    // "Anna's manager", "the wifi password"
    group = end_group;
    subject = part(w, 0, n - end_size);
    relation = part(w, n - end_size, n);
    std::size_t owner = 0;  // words up to the possessive
    for (std::size_t i = 0; i < subject.size(); ++i) {
      if (is_genitive(subject[i])) owner = i + 1;
    }
    if (own) owner = std::max(owner, in.own.at(w, 0));
    if (in.name == tongue::chinese) {
      qualified = in.with.any(subject) || (subject.back().text != "的" && subject.size() > 1);
      definite = definite || subject.back().text == "的";
      if (subject.back().text == "的") subject.pop_back();
      if (subject.empty()) return {};
    } else if (in.name == tongue::german) {
      if (owner == 0 && !article && !own) {
        definite = definite || subject.back().text.ends_with('s') || subject.front().text.ends_with('s');
        strip_genitive(subject);
      }
      qualified = relation.size() == 1 && end_group->compounds && !end_group->nouns.has(relation[0].text);
      if (article && !qualified) qualified = owner == 0;
    } else {
      definite = definite || owner > 0;
      qualified = subject.size() > owner;
    }
  } else {
    // "the capital of Norway", "der Preis des Tickets", "die Hauptstadt Norwegens"
    for (std::size_t k = 1; k < n && in.name != tongue::chinese; ++k) {
      const auto [found, size] = noun_ending(in, w, k);
      if (found == nullptr) continue;
      const std::size_t of = in.of.at(w, k), with = in.with.at(w, k);
      if (of + with == 0 && (in.name == tongue::english || !w.back().text.ends_with('s'))) continue;
      if (in.name == tongue::english && w[k].text == "of" && noun_ending(in, w, k + 2).second > 2)
        continue;  // "date of birth"
      group = found;
      relation = part(w, 0, k);
      subject = part(w, k + std::max(of, with), n);
      if (with > 0) link = w[k].text;
      qualified =
          with > 0 || k > size || (in.name == tongue::german && found->compounds && !found->nouns.has(w[k - 1].text));
      if (in.name == tongue::german && with == 0 && (of == 0 || w[k].text == "des")) strip_genitive(subject);
      definite = true;
      break;
    }
    if (group == nullptr && in.name == tongue::chinese) {
      if (const auto [whole, size] = noun_ending(in, w, n); whole != nullptr && size == n) {
        group = whole;
        subject = {};
      }
    } else if (group == nullptr) {
      if (const auto [whole, size] = noun_ending(in, w, n); whole != nullptr && size == n) {
        group = whole;
        subject = {};
        relation = w;
      }
    }
  }
  subject = without_genitive(std::move(subject));
  if (in.name != tongue::spanish) subject = without(subject, in.articles);
  if (group == nullptr) {
    if (definite_only) return {};
    // Something definite, of which nothing is known: "Tom's car", "the colour of the door".
    const bool possessive = std::any_of(w.begin(), w.end(), is_genitive) ||
                            (in.name == tongue::chinese && w.back().text != "的" && in.of.any(w));
    if (!(definite || possessive) || n > 8) return {};
    d.key = "? " + joined(without(without_genitive(w), in.articles));
    if (has_several(in, w)) d.kind = valued::several;
    return d;
  }
  if (definite_only && !(definite || in.name == tongue::chinese)) return {};
  d.wanted = group->value;
  if (d.kind == valued::open) d.kind = group->kind;
  if (d.kind == valued::one && group->vague && !qualified) d.kind = valued::changing;
  if (d.kind == valued::changing && group->vague && group->kind == valued::changing && qualified) d.kind = valued::one;
  if (in.name != tongue::spanish) {
    // What belongs to nothing ("the password") may be another one each time.
    if (subject.empty() && d.kind == valued::one) d.kind = valued::changing;
    if (has_several(in, subject) || has_several(in, part(relation, 0, relation.size() - (relation.empty() ? 0 : 1))))
      d.kind = valued::several;
  }
  d.key = joined(subject) + " " + (link.empty() ? "" : link + " ") + joined(relation);
  return d;
}

/// Takes cues from both ends of some words. @return the strongest
QUIPU_INLINE cue take_cues(const language& in, words& w, bool front, bool back) {
  cue strongest = cue::none;
  const auto kind_at = [&](auto&& match) {
    const std::pair<const phrases*, cue> all[] = {
        {&in.corrections, cue::correction}, {&in.doubts, cue::doubt}, {&in.changes, cue::change}};
    std::pair<std::size_t, cue> best{0, cue::none};
    for (const auto& [some, kind] : all) {
      if (const std::size_t n = match(*some); n > best.first) best = {n, kind};
    }
    return best;
  };
  for (bool more = true; more;) {
    more = false;
    if (const auto [n, kind] = kind_at([&](const phrases& p) { return p.at(w, 0); }); front && n > 0 && n < w.size()) {
      w.erase(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(n));
      while (!w.empty() && w.front().mark && w.front().text != "?" && w.front().text != "(") w.erase(w.begin());
      strongest = std::max(strongest, kind);
      more = true;
    }
    if (const auto [n, kind] = kind_at([&](const phrases& p) { return p.ending(w, w.size()); });
        back && n > 0 && n < w.size()) {
      w.resize(w.size() - n);
      while (!w.empty() && w.back().text == ",") w.pop_back();
      strongest = std::max(strongest, kind);
      more = true;
    }
  }
  return strongest;
}

/// Takes ", not Alice", "instead of Alice" from the end of a value.
QUIPU_INLINE words take_denied(const language& in, words& value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    const std::size_t n = in.instead.at(value, i);
    if (n == 0 || i + n >= value.size()) continue;
    words denied = part(value, i + n, value.size());
    value.resize(i);
    while (!value.empty() && value.back().text == ",") value.pop_back();
    return denied;
  }
  return {};
}

/// Fits the rest of a statement around its description. @return false if it says something else, too
QUIPU_INLINE bool set_value(statement& s, words value, const phrases* tail = nullptr) {
  const language& in = *s.in;
  s.announced = std::max(s.announced, take_cues(in, value, true, true));
  s.denied = take_denied(in, value);
  s.announced = std::max(s.announced, take_cues(in, value, true, true));
  if (tail != nullptr) {
    const std::size_t n = tail->ending(value, value.size());
    if (n == 0) return false;
    value.resize(value.size() - n);
  }
  if (in.name == tongue::chinese && !value.empty() && value.back().text == "了") value.pop_back();
  if (value.empty() || value.size() > 12 || in.barred.any(value)) return false;
  for (const word& w : value) {
    if (is_genitive(w) || w.text == ";" || w.text == "(" || w.text == ":" || w.text == "?") return false;
    if (w.text == "," && s.wanted != value_kind::any && s.wanted != value_kind::day) return false;
  }
  s.value = std::move(value);
  return true;
}

QUIPU_INLINE bool is_subject(const language& in, const words& w) {
  return !w.empty() && w.size() <= 8 && !in.barred.any(w) && in.indefinite.at(w, 0) == 0 && in.copulas.at(w, 0) == 0 &&
         std::none_of(w.begin(), w.end(), [](const word& one) { return one.mark; });
}

/// May a description's words stand for one at all times? "mit" and "和" are barred in values only.
QUIPU_INLINE bool is_barred(const language& in, const words& w) {
  if (in.name != tongue::chinese) return in.barred.any(w);
  return in.barred.any(without(w, in.with));
}

QUIPU_INLINE std::optional<statement> parse_copula(const language& in, const words& w, std::size_t i, std::size_t n,
                                                   cue announced, bool turned) {
  words left = part(w, 0, i), right = part(w, i + n, w.size());
  announced = std::max(announced, take_cues(in, left, false, true));
  if (in.name == tongue::german && w[i].text == "findet") {
    if (right.empty() || right.back().text != "statt") return {};
    right.pop_back();
  }
  if (left.empty() || right.empty()) return {};
  const auto forward = is_barred(in, left) ? std::nullopt : describe(in, left, turned);
  if (!turned && (!forward || forward->kind == valued::open)) {
    // "Bob is Anna's manager": the value must be a name, for which the description has to be known.
    words back = right;
    statement s{&in, {}, {}, {}, {}, {}, announced};
    s.announced = std::max(s.announced, take_cues(in, back, true, true));
    const auto reversed = is_barred(in, back) ? std::nullopt : describe(in, back, true);
    if (reversed && reversed->kind == valued::one &&
        (reversed->wanted == value_kind::person || reversed->wanted == value_kind::place)) {
      s.key = reversed->key;
      s.kind = reversed->kind;
      s.wanted = reversed->wanted;
      if (reversed->fresh) s.announced = std::max(s.announced, cue::change);
      if (set_value(s, left)) return s;
      return {};
    }
  }
  if (!forward) return {};
  // "在" says when or where, "是" who or what.
  if (w[i].text == "在" && forward->wanted != value_kind::day && forward->wanted != value_kind::number) return {};
  statement s{&in, forward->key, forward->kind, forward->wanted, {}, {}, announced};
  if (forward->fresh) s.announced = std::max(s.announced, cue::change);
  if (s.in->name == tongue::chinese && !right.empty() && right.front().text == "在") right.erase(right.begin());
  if (!set_value(s, std::move(right))) return {};
  return s;
}

QUIPU_INLINE std::optional<statement> parse_verb(const language& in, const words& w, cue announced) {
  for (const verb_group& group : in.verbs) {
    for (std::size_t i = 1; i < w.size(); ++i) {
      std::size_t n = group.verbs.at(w, i);
      const std::size_t n_tail = group.tail.ending(w, w.size());
      const bool bare = in.name == tongue::chinese && n == 0 && n_tail > 0 && i + n_tail < w.size();
      if ((n == 0 && !bare) || (n_tail == 0 && !group.tail.empty())) continue;
      if (bare) {  // the number before the tail
        static const phrases digits("零|一|二|三|四|五|六|七|八|九|十|百|两|早上|上午|下午|晚上|早|晚");
        std::size_t begin = w.size() - n_tail;
        while (begin > 0 && (w[begin - 1].number || digits.ending(w, begin) > 0))
          begin -= std::max<std::size_t>(1, digits.ending(w, begin));
        static const phrases week("期|周|拜");
        if (begin > 0 && week.has(w[begin - 1].text)) ++begin;  // "星期一九点"
        if (begin == 0 || begin + n_tail >= w.size()) continue;
        i = begin;
      }
      words subject = part(w, 0, i), value = part(w, i + n, w.size());
      statement s{&in, {}, group.kind, group.value, {}, {}, announced};
      s.announced = std::max(s.announced, take_cues(in, subject, false, true));
      std::string verb = joined(part(w, i, i + n));
      if (n_tail > 0) verb += " ... " + joined(part(w, w.size() - n_tail, w.size()));
      if (!is_subject(in, subject)) continue;
      s.key = joined(without(subject, in.articles)) + " " + verb;
      // "opens at 9 on Monday": what else is said stays in the value, whose words must then be the same.
      if (set_value(s, std::move(value), n_tail > 0 ? &group.tail : nullptr)) return s;
      if (bare) break;
    }
  }
  return {};
}

/// "Tom has moved from Leeds to York": that he lives there, and no longer here.
QUIPU_INLINE std::optional<statement> parse_move(const language& in, const words& w) {
  struct move {
    tongue in;
    phrases verb, to;
    const char *tail, *lives;
  };
  static const move known[] = {{tongue::english, "has moved from|moved from", "to", "", "lives in"},
                               {tongue::german, "ist von", "nach", "gezogen|umgezogen", "wohnt in"},
                               {tongue::spanish, "se ha mudado de|se mudó de", "a", "", "vive en"},
                               {tongue::chinese, "从", "搬到|搬到了|搬去", "", "住 在"}};
  for (const move& m : known) {
    if (m.in != in.name) continue;
    words rest = w;
    if (const phrases tail(m.tail); *m.tail != 0) {
      if (tail.ending(rest, rest.size()) == 0) return {};
      rest.pop_back();
    }
    for (std::size_t i = 1; i < rest.size(); ++i) {
      const std::size_t n = m.verb.at(rest, i);
      if (n == 0) continue;
      for (std::size_t j = i + n + 1; j + 1 < rest.size(); ++j) {
        const std::size_t n_to = m.to.at(rest, j);
        if (n_to == 0) continue;
        const words subject = part(rest, 0, i);
        statement s{&in,
                    joined(without(subject, in.articles)) + " " + m.lives,
                    valued::changing,
                    value_kind::place,
                    {},
                    part(rest, i + n, j),
                    cue::none};
        words value = part(rest, j + n_to, rest.size());
        if (!is_subject(in, subject) || in.barred.any(value) || in.function_words.any(value) || value.empty())
          return {};
        s.value = std::move(value);
        return s;
      }
    }
  }
  // "Tom no longer lives in Leeds but in York"
  if (in.name == tongue::english || in.name == tongue::german) {
    const bool de = in.name == tongue::german;
    static const phrases no_longer("no longer lives in"), but("but in"), wohnt("wohnt nicht mehr in"),
        sondern("sondern in");
    for (std::size_t i = 1; i < w.size(); ++i) {
      const std::size_t n = (de ? wohnt : no_longer).at(w, i);
      if (n == 0) continue;
      for (std::size_t j = i + n + 1; j < w.size(); ++j) {
        const std::size_t n_but = (de ? sondern : but).at(w, j);
        if (n_but == 0) continue;
        const words subject = part(w, 0, i);
        words value = part(w, j + n_but, w.size()), denied = part(w, i + n, j);
        while (!denied.empty() && denied.back().mark) denied.pop_back();
        if (!is_subject(in, subject) || value.empty() || in.barred.any(value)) return {};
        return statement{&in,
                         joined(without(subject, in.articles)) + (de ? " wohnt in" : " lives in"),
                         valued::changing,
                         value_kind::place,
                         value,
                         denied,
                         cue::change};
      }
    }
  }
  return {};
}

QUIPU_INLINE std::optional<statement> parse(const language& in, words w) {
  cue announced = take_cues(in, w, true, true);
  if (w.size() < 3) return {};
  if (auto s = parse_move(in, w)) return s;
  // German and Spanish put the verb behind a cue: "Jetzt wohnt Tom in York".
  if (announced != cue::none && (in.copulas.at(w, 0) > 0 || w.size() > 3)) {
    for (std::size_t j = 2; j < w.size() && in.copulas.at(w, 0) == 1; ++j) {
      words turned = part(w, 1, j);
      turned.push_back(w[0]);
      for (std::size_t i = j; i < w.size(); ++i) turned.push_back(w[i]);
      if (auto s = parse_copula(in, turned, j - 1, 1, announced, true)) return s;
    }
    for (std::size_t j = 2; j + 1 < w.size() && in.name != tongue::chinese; ++j) {
      words turned = part(w, 1, j);
      turned.push_back(w[0]);
      for (std::size_t i = j; i < w.size(); ++i) turned.push_back(w[i]);
      if (in.name == tongue::english) break;
      for (const verb_group& group : in.verbs) {
        if (group.verbs.at(turned, j - 1) > 1) return parse_verb(in, turned, announced);
      }
    }
  }
  if (auto s = parse_verb(in, w, announced)) return s;
  for (std::size_t i = 1; i + 1 < w.size(); ++i) {  // "wohnt jetzt in"
    const std::size_t n = std::max(in.changes.at(w, i), in.doubts.at(w, i));
    if (n == 0) continue;
    words rest = w;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i), rest.begin() + static_cast<std::ptrdiff_t>(i + n));
    if (auto s = parse_verb(in, rest, std::max(announced, in.changes.at(w, i) == n ? cue::change : cue::doubt)))
      return s;
  }
  for (std::size_t i = 1; i + 1 < w.size(); ++i) {
    if (const std::size_t n = in.changed_copulas.at(w, i); n > 0) {
      if (auto s = parse_copula(in, w, i, n, std::max(announced, cue::change), false)) return s;
    } else if (const std::size_t m = in.copulas.at(w, i); m > 0) {
      if (auto s = parse_copula(in, w, i, m, announced, false)) return s;
    }
  }
  return {};
}

QUIPU_INLINE std::vector<statement> statements_of(std::string_view text) {
  if (text.size() > 400) return {};
  std::vector<std::string_view> sentences = sentences_of(text);
  if (sentences.size() == 2 && sentences.front().size() < 40) {  // "Correction. Lena's shoe size is 40"
    const words first = cut(sentences.front());
    for (const language& in : languages()) {
      if (in.corrections.at(first, 0) == first.size()) sentences = {text};
    }
  }
  if (sentences.size() != 1) return {};
  const words w = cut(text);
  if (std::any_of(w.begin(), w.end(), [](const word& one) { return one.text == "?"; })) return {};
  std::vector<statement> found;
  const bool unspaced =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xE3; });
  for (const language& in : languages()) {
    if ((in.name == tongue::chinese) != unspaced) continue;
    if (auto s = parse(in, w)) found.push_back(*std::move(s));
  }
  return found;
}

/// The words of a value by kind: "#" for numbers, "day" for days and months.
/// @param days  else they are words like others: what opens at 9 on Monday may open at 10 on Tuesday
QUIPU_INLINE std::vector<std::string> pattern_of(const language& in, const words& value, bool days) {
  static const phrases weekdays(
      "星期一|星期二|星期三|星期四|星期五|星期六|星期日|星期天|周一|周二|周三|周四|周五|周六|周日|礼拜一|礼拜二|礼拜三|"
      "礼拜四|礼拜五|礼拜六|礼拜天");
  static const phrases digits("零|一|二|三|四|五|六|七|八|九|十|百|两");
  std::vector<std::string> pattern;
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string kind = value[i].text;
    if (const std::size_t n = in.name == tongue::chinese ? weekdays.at(value, i) : 0; n > 0) {
      kind = days ? "day" : joined(part(value, i, i + n));
      i += n - 1;
    } else if (value[i].number || (in.name == tongue::chinese && digits.has(kind))) {
      kind = "#";
    } else if (days && in.calendar.has(kind)) {
      kind = "day";
    }
    if (kind != "#" || pattern.empty() || pattern.back() != "#") pattern.push_back(std::move(kind));
  }
  return pattern;
}

QUIPU_INLINE bool is_name(const language& in, const words& value, bool person) {
  static const phrases particles("von|van|de|da|der|den|la|del|di|du|al|bin|zu|y|dos|le");
  static const phrases german_names(
      "peter|karin|kathrin|katrin|martin|walter|oliver|alexander|werner|günter|günther|rainer|reiner|dieter|robin|"
      "benjamin|esther|"
      "kevin|justin|erwin|armin|viktor|hector|igor|vincent|jennifer|christopher|jasmin|yasmin|colin|marvin|calvin|"
      "konstantin|valentin|"
      "quentin|dustin|edwin|christin|kerstin|kristin|carin|ester|xaver|elmar|volker|holger|rüdiger|gregor|theodor|"
      "isidor|laurent|"
      "heather|amber|tyler|roger|xavier|javier|fernando|florin|selin|ayfer|nilüfer|ilker|tin|corin|katharin|darwin|"
      "merlin|levin|tamer");
  static const char* const endings[] = {"in",   "er",   "ist",  "ent",   "ant", "or",   "eur",  "mann", "frau",
                                        "arzt", "wirt", "loge", "kraft", "nom", "graf", "erin", "ier"};
  if (value.empty() || value.size() > 5) return false;
  if (in.name == tongue::chinese) {
    static const phrases places("里|上|边|旁|内|家");  // "in the school" is beside a town, not in its place
    if (value.size() < 2 || in.function_words.any(value) || (!person && places.ending(value, value.size()) > 0))
      return false;
    return (!person || in.describing.ending(value, value.size()) == 0) &&
           std::none_of(value.begin(), value.end(), [](const word& w) { return w.number; });
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    const word& w = value[i];
    if (w.number || w.mark || in.describing.has(w.text)) return false;
    if (!w.capital && !(i > 0 && i + 1 < value.size() && particles.has(w.text))) return false;
    if (w.capital && in.function_words.has(w.text) && value.size() == 1) return false;
  }
  if (noun_ending(in, value, value.size()).first != nullptr) return false;
  if (person && in.name == tongue::german && value.size() == 1 && !german_names.has(value[0].text)) {
    for (const char* ending : endings) {
      if (value[0].text.ends_with(ending)) return false;
    }
  }
  return true;
}

enum class likeness : std::uint8_t { unlike, words_only, alike };

/// Are two values of one kind, and neither more exact than the other?
QUIPU_INLINE likeness compare(const statement& a, const statement& b) {
  using enum likeness;
  const language& in = *a.in;
  const words x = without(a.value, in.articles), y = without(b.value, in.articles);
  if (x.empty() || y.empty() || contains(x, y) || contains(y, x)) return unlike;
  const std::vector<std::string> p = pattern_of(in, a.value, a.wanted != value_kind::number),
                                 q = pattern_of(in, b.value, a.wanted != value_kind::number);
  const auto has = [](const std::vector<std::string>& some, const char* what) {
    return std::find(some.begin(), some.end(), what) != some.end();
  };
  const bool numbers = has(p, "#") && has(q, "#"), days = has(p, "day") && has(q, "day");
  const bool either = has(p, "#") || has(q, "#") || has(p, "day") || has(q, "day");
  switch (a.wanted) {
    case value_kind::person: return is_name(in, x, true) && is_name(in, y, true) ? alike : unlike;
    case value_kind::place: return is_name(in, x, false) && is_name(in, y, false) ? alike : unlike;
    case value_kind::number: return p == q && numbers ? alike : unlike;
    case value_kind::day: return p == q && (numbers || days) ? alike : unlike;
    case value_kind::code: {
      if (in.function_words.any(x) || in.function_words.any(y)) return unlike;
      return has(p, "#") == has(q, "#") ? alike : unlike;
    }
    case value_kind::any: break;
  }
  if (either)
    return p == q ||
                   (numbers && !days && a.kind == valued::one && !in.function_words.any(x) && !in.function_words.any(y))
               ? alike
               : unlike;
  static const phrases colours(
      "red|blue|green|yellow|black|white|grey|gray|brown|orange|pink|purple|silver|beige|rot|blau|grün|gelb|schwarz|"
      "weiß|grau|braun|rosa|lila|"
      "silbern|rojo|roja|azul|verde|amarillo|amarilla|negro|negra|blanco|blanca|gris|marrón|naranja|morado|morada|红色|"
      "蓝色|绿色|黄色|黑色|"
      "白色|灰色|棕色|橙色|粉色|紫色");
  if (colours.at(x, 0) == x.size() && colours.at(y, 0) == y.size()) return alike;
  if (in.function_words.any(x) || in.function_words.any(y) || x.size() > 3 || y.size() > 3) return unlike;
  if (in.name == tongue::chinese) return words_only;
  const auto capitals = [](const words& w) {
    return std::count_if(w.begin(), w.end(), [](const word& one) { return one.capital; });
  };
  if ((capitals(x) > 0) != (capitals(y) > 0)) return unlike;
  return capitals(x) > 0 && is_name(in, x, true) && is_name(in, y, true) ? alike : words_only;
}

struct comparison {
  revision kind = revision::none;
  words was, is;
};

QUIPU_INLINE comparison compare_statements(const statement& newer, const statement& older) {
  comparison c{revision::none, older.value, newer.value};
  if (newer.in != older.in || newer.key != older.key || same_words(newer.value, older.value)) return c;
  if (!newer.denied.empty() &&
      same_words(without(newer.denied, newer.in->articles), without(older.value, newer.in->articles)) &&
      !contains(older.value, newer.value) && !contains(newer.value, older.value)) {
    c.kind = revision::correction;
    return c;
  }
  const likeness like = compare(newer, older);
  if (like == likeness::unlike) return c;
  const cue said =
      newer.denied.empty() ? newer.announced : cue::none;  // it names what it corrects, and that is not this one
  switch (newer.kind) {
    case valued::one: c.kind = revision::correction; break;
    case valued::changing: c.kind = said != cue::none ? revision::correction : revision::rival; break;
    case valued::open:
      // "Tom's car is red" and "... fast" are both said of the car: only values of one kind exclude each other.
      c.kind = like != likeness::alike                         ? revision::another_value
               : said == cue::correction || said == cue::doubt ? revision::correction
                                                               : revision::rival;
      break;
    case valued::several: c.kind = revision::another_value; break;
  }
  return c;
}

struct parsed {
  std::vector<statement> all;  // one for each language that the text may be of
};

QUIPU_INLINE comparison compare_notes(const parsed& newer, const parsed& older) {
  for (const statement& a : newer.all) {
    for (const statement& b : older.all) {
      if (comparison c = compare_statements(a, b); c.kind != revision::none) return c;
    }
  }
  return {};
}

}  // namespace corrections_detail

QUIPU_INLINE statement_of_note::statement_of_note(std::string_view text)
    : parsed_(std::make_shared<corrections_detail::parsed>(
          corrections_detail::parsed{corrections_detail::statements_of(text)})) {}

QUIPU_INLINE bool statement_of_note::understood() const noexcept { return !parsed_->all.empty(); }

QUIPU_INLINE revision statement_of_note::revises(const statement_of_note& older) const {
  return corrections_detail::compare_notes(*parsed_, *older.parsed_).kind;
}

QUIPU_INLINE bool statement_of_note::answers_instead(const statement_of_note& older, std::string_view question) const {
  namespace cd = corrections_detail;
  const cd::comparison c = cd::compare_notes(*parsed_, *older.parsed_);
  if (c.kind != revision::rival && c.kind != revision::correction) return false;
  const cd::words asked = cd::cut(question);
  return std::none_of(c.was.begin(), c.was.end(), [&](const cd::word& w) {
    const auto same = [&](const cd::word& other) { return other.text == w.text; };
    return std::any_of(asked.begin(), asked.end(), same) && std::none_of(c.is.begin(), c.is.end(), same);
  });
}

}  // namespace quipu::notes

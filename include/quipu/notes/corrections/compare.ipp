/// @file Does one statement correct another?
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quipu/notes/corrections/parse.ipp>
#include <quipu/notes/revision.hpp>

namespace quipu::notes::corrections_detail {

/// The words of a value by kind: "#" for numbers, "day" for days and months.
/// @param days  else they are words like others: what opens at 9 on Monday may open at 10 on Tuesday
QUIPU_INLINE std::vector<std::string> pattern_of(const language& in, const words& value, bool days) {
  static const phrases weekdays(
      "星期一|星期二|星期三|星期四|星期五|星期六|星期日|星期天|"
      "周一|周二|周三|周四|周五|周六|周日|"
      "礼拜一|礼拜二|礼拜三|礼拜四|礼拜五|礼拜六|礼拜天");
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
  static const phrases german_names(  // no professions, though most end like one
      "peter|walter|oliver|alexander|werner|günter|günther|rainer|reiner|dieter|xaver|volker|holger|rüdiger|"
      "esther|ester|jennifer|christopher|heather|amber|tyler|roger|xavier|javier|ilker|nilüfer|ayfer|tamer|"
      "viktor|hector|igor|gregor|theodor|isidor|elmar|fernando|vincent|laurent|"
      "karin|carin|corin|kathrin|katrin|katharin|christin|kerstin|kristin|jasmin|yasmin|selin|florin|tin|"
      "martin|robin|benjamin|kevin|justin|erwin|armin|colin|marvin|calvin|konstantin|valentin|quentin|"
      "dustin|edwin|darwin|merlin|levin");
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
      "red|blue|green|yellow|black|white|grey|gray|brown|orange|pink|purple|silver|beige|"
      "rot|blau|grün|gelb|schwarz|weiß|grau|braun|rosa|lila|silbern|"
      "rojo|roja|azul|verde|amarillo|amarilla|negro|negra|blanco|blanca|gris|marrón|naranja|morado|morada|"
      "红色|蓝色|绿色|黄色|黑色|白色|灰色|棕色|橙色|粉色|紫色");
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

}  // namespace quipu::notes::corrections_detail

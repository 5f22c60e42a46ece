/// @file What a note says: subject, relation and value of its sentence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/notes/corrections/describe.ipp>
#include <quipu/notes/passages.hpp>

namespace quipu::notes::corrections_detail {

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

}  // namespace quipu::notes::corrections_detail

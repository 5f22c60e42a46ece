// What template_text.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // concat
#include <quipu/data/template_file.hpp>
#include <quipu/data/template_text.hpp>

namespace quipu::data {

namespace detail {

inline std::string joined_well(const template_language& l, std::string text) {
  for (const auto& [from, to] : l.joins) {
    for (std::size_t at = text.find(from); at != std::string::npos && !from.empty();
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

inline std::string possessive_of(const template_language& l, const std::string& text) {
  std::size_t n_longest = 0;
  const std::string* suffix = nullptr;
  for (const auto& [end, joined] : l.possessive) {
    if (!text.ends_with(end) || (suffix != nullptr && end.size() < n_longest)) continue;
    suffix = &joined;
    n_longest = end.size();
  }
  return suffix == nullptr ? text : text + *suffix;
}

inline std::string with_phrase(std::string frame, const std::string& phrase) {
  const std::size_t at = frame.find("{p}");
  return at == std::string::npos ? frame : frame.replace(at, 3, phrase);
}

inline bool has_slot(const std::string& frame, std::string_view slot) { return frame.find(slot) != std::string::npos; }

inline std::string capital(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

/// Also with a capital in front.
inline bool holds_name(std::string_view text, std::string_view name) {
  return text.find(name) != std::string_view::npos || text.starts_with(capital(std::string(name)));
}

}  // namespace detail

QUIPU_INLINE bool shares(const drawn_text& text, const std::set<std::string>& kinds) {
  return std::any_of(text.kinds.begin(), text.kinds.end(), [&](const std::string& k) { return kinds.count(k) != 0; });
}

QUIPU_INLINE slot_texts slots_for(const template_language& language, const std::string& subject) {
  return {subject, detail::possessive_of(language, subject)};
}

QUIPU_INLINE const template_person* person_of(const template_language& l, const drawn_text& subject) {
  for (const std::string& kind : subject.kinds) {
    if (const auto found = l.people.find(kind); found != l.people.end()) return &found->second;
  }
  return nullptr;
}

QUIPU_INLINE std::string template_text::number_in(const number_range& range) {
  const std::uint32_t n_step = (range.high - range.low) / range.step + 1;
  const std::string number = concat(range.low + range.step * random_.below(n_step));
  return std::string(range.n_digit > number.size() ? range.n_digit - number.size() : 0, '0') + number;
}

QUIPU_INLINE char template_text::character_for(char sign) {
  constexpr std::string_view capitals = "ABCDEFGHJKLMNPRSTUVWXYZ", small = "abcdefghijkmnpqrstuvwxyz";
  if (sign == '#') return static_cast<char>('0' + random_.below(10));
  if (sign == '*') return static_cast<char>('1' + random_.below(9));
  if (sign == '^') return any_of(capitals);
  if (sign == '~') return any_of(small);
  return sign;
}

QUIPU_INLINE drawn_text template_text::draw(const template_language& l, const std::string& generator) {
  drawn_text drawn{{}, {generator}};
  const frame_pieces pieces = pieces_of(any_of(l.generators.at(generator)), generator);
  if (pieces.size() == 3 && pieces[0].empty() && pieces[2].empty() && l.generators.count(pieces[1]) != 0) {
    drawn_text inner = draw(l, pieces[1]);
    drawn.text = std::move(inner.text);
    drawn.kinds.insert(drawn.kinds.end(), inner.kinds.begin(), inner.kinds.end());
    return drawn;
  }
  std::set<std::string> once;  // a list names nothing twice
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i % 2 == 0) {
      for (const char c : pieces[i]) drawn.text += character_for(c);
    } else if (const auto range = range_of(pieces[i])) {
      drawn.text += number_in(*range);
    } else {
      std::string inner = draw(l, pieces[i]).text;
      for (int tries = 0; tries < 20 && once.count(inner) != 0; ++tries) inner = draw(l, pieces[i]).text;
      once.insert(inner);
      drawn.text += inner;
    }
  }
  drawn.text = detail::joined_well(l, std::move(drawn.text));
  return drawn;
}

QUIPU_INLINE std::string template_text::fill(const template_language& l, const std::string& frame,
                                             const slot_texts& slots) {
  const frame_pieces pieces = pieces_of(frame, l.name);
  std::string text;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string& piece = pieces[i];
    if (i % 2 == 0) {
      text += piece;
    } else if (piece == "s") {
      text += slots.subject;
    } else if (piece == "s's") {
      text += slots.possessive;
    } else if (piece == "v") {
      text += slots.value;
    } else if (piece == "a") {
      text += slots.alias;
    } else if (piece == "a's") {
      text += detail::possessive_of(l, slots.alias);
    } else if (const auto range = range_of(piece)) {
      text += number_in(*range);
    } else {
      text += draw(l, piece).text;
    }
  }
  text = detail::joined_well(l, std::move(text));
  // A value keeps its letters, and so does a question of keywords.
  const bool value_first = frame.starts_with("{v}") || frame.starts_with("{a");
  const bool sentence = text.ends_with('.') || text.ends_with('?') || !slots.value.empty() || !slots.alias.empty();
  return !value_first && sentence ? detail::capital(std::move(text)) : text;
}

QUIPU_INLINE std::string template_text::phrase(const template_language& l, const template_relation& r) {
  constexpr std::string_view possessive = "{s's} ";
  if (l.of_phrase.empty() || !r.phrase.starts_with(possessive) || !chance(40)) return r.phrase;
  std::string text = l.of_phrase;
  return text.replace(text.find("{r}"), 3, r.phrase.substr(possessive.size()));
}

QUIPU_INLINE std::string template_text::sentence(const template_fact& fact, naming by) {
  const template_language& l = *fact.language;
  const template_relation& r = *fact.relation;
  slot_texts slots = slots_for(l, fact.subject.text);
  slots.value = fact.value.text;
  std::string named = fact.subject.text;
  if (by == naming::first_word) {
    named = named.substr(0, named.find(' '));
    slots = {named, detail::possessive_of(l, named), fact.value.text};
  } else if (by == naming::possessive) {
    named = slots.possessive = person_of(l, fact.subject)->possessive;
  }
  for (int tries = 0; tries < 40; ++tries) {
    const bool general = !r.phrase.empty() && chance(fact.denied ? 40 : 18);
    const bool asks = fact.denied && chance(45) && (general || !r.asking.empty());
    const auto& frames = !fact.denied ? (general ? l.notes : r.notes)
                         : asks       ? (general ? l.asking : r.asking)
                                      : (general ? l.denied : r.denied);
    const std::string what = phrase(l, r);
    const std::string frame = detail::with_phrase(any_of(frames), what);
    if (by == naming::possessive && (detail::has_slot(frame, "{s}") || !detail::has_slot(frame, "{s's}"))) continue;
    std::string text = fill(l, frame, slots);
    if (text.find(fact.value.text) == std::string::npos) continue;
    if (by == naming::full && !detail::holds_name(text, named)) continue;
    return text;
  }
  return {};
}

QUIPU_INLINE std::string template_text::question(const template_language& l, const template_relation& r,
                                                 const std::string& subject, bool hop) {
  const slot_texts slots = slots_for(l, subject);
  for (int tries = 0; tries < 40; ++tries) {
    const std::uint32_t style = random_.below(100);
    const bool general = !r.phrase.empty();
    const auto& frames = style < 14 && !r.cloze.empty()              ? r.cloze
                         : style < 28 && general && !l.cloze.empty() ? l.cloze
                         : style < 40 && general                     ? l.questions
                                                                     : r.questions;
    const std::string named = phrase(l, r);
    const std::string frame = detail::with_phrase(any_of(frames), named);
    if (hop && !l.phrase_possessive && detail::has_slot(frame, "{s's}")) continue;
    return fill(l, frame, slots);
  }
  return {};
}

}  // namespace quipu::data

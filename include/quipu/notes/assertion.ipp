// What assertion.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/notes/assertion.hpp>
#include <quipu/notes/passages.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>  // is_stop_word
#include <quipu/text/utf8.hpp>

namespace quipu::notes {
namespace assertion_detail {

/// Words that deny, wherever they stand in a clause.
inline constexpr std::string_view denials[] = {
    "not", "no", "never", "neither", "nor", "cannot", "none",                                             // English
    "nicht", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "weder",          // German
    "nunca", "jamás", "ni", "tampoco", "ningún", "ninguna", "ninguno"};                                   // Spanish, "no" above
/// They deny what comes after them.
inline constexpr std::string_view replacements[] = {"instead of", "rather than", "anstatt", "statt", "anstelle",
                                                    "en lugar de", "en vez de"};
inline constexpr std::string_view doubts[] = {
    "maybe", "perhaps", "possibly", "might", "allegedly", "supposedly", "reportedly", "rumoured", "rumored", "unclear", "unsure",
    "vielleicht", "möglicherweise", "eventuell", "angeblich", "vermutlich", "gerüchteweise", "unklar",
    "quizá", "quizás", "posiblemente", "supuestamente", "acaso"};
inline constexpr std::string_view conditions[] = {"if", "unless", "wenn", "falls", "sofern", "si"};
inline constexpr std::string_view coordinations[] = {"and", "und", "y", "e"};
/// Words that begin a clause of their own, so that a denial before them ends there.
inline constexpr std::string_view turns[] = {"but", "sondern", "aber", "sino", "pero"};
inline constexpr std::string_view han_denials[] = {"不", "没", "沒", "未", "并非", "並非", "而非", "绝非"};
inline constexpr std::string_view han_no_denials[] = {"不丹", "不来梅", "不列颠", "不但", "不仅", "不错", "不同", "不断",
                                                      "未来", "没错", "不锈钢", "不莱梅", "来不及",
                                                      // "Is it so or not?" denies nothing either.
                                                      "是不是", "有没有", "能不能", "会不会", "对不对", "在不在", "要不要"};
inline constexpr std::string_view han_doubts[] = {"可能", "也许", "或许", "大概", "据说", "好像", "似乎"};
inline constexpr std::string_view han_conditions[] = {"如果", "要是", "假如", "若是", "倘若"};
inline constexpr std::string_view han_turns[] = {"而是", "但是", "而不是"};

/// A word where it stands, in lower case; `small` if it was written so, or begins a sentence that goes on so: titles such as
/// "Never Say Never" deny nothing.
struct placed_word {
  std::string text;
  std::size_t begin = 0, end = 0;
  bool small = false;
};

QUIPU_INLINE std::string lower(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const text::utf8_step step = text::decode_utf8(text, at);
    // An apostrophe is one, however it is written.
    text::append_utf8(out, step.code_point == U'\u2019' ? U'\'' : to_lower(step.code_point));
    at += step.length;
  }
  return out;
}

QUIPU_INLINE std::vector<placed_word> words_of(std::string_view text) {
  std::vector<placed_word> words;
  std::size_t begin = 0;
  bool inside = false;
  const auto end_at = [&](std::size_t end) {
    if (!inside) return;
    inside = false;
    const std::string_view raw = text.substr(begin, end - begin);
    const char32_t first = text::decode_utf8(raw, 0).code_point;
    words.push_back({lower(raw), begin, end, to_lower(first) == first});
  };
  for (std::size_t at = 0; at < text.size();) {
    const text::utf8_step step = text::decode_utf8(text, at);
    const bool of_word = is_word_character(step.code_point) || step.code_point == U'\'' || step.code_point == U'\u2019';
    if (of_word && !inside) {
      begin = at;
      inside = true;
    } else if (!of_word) {
      end_at(at);
    }
    at += step.length;
  }
  end_at(text.size());
  if (words.size() > 1 && words[1].small) words[0].small = true;
  return words;
}

QUIPU_INLINE bool among(std::span<const std::string_view> some, std::string_view word) {
  return std::find(some.begin(), some.end(), word) != some.end();
}
QUIPU_INLINE bool denies(const placed_word& w) {
  return w.small && (among(denials, w.text) || w.text.ends_with("n't"));
}
/// "not only ... but also" denies nothing.
QUIPU_INLINE bool only_follows(std::span<const placed_word> words, std::size_t i) {
  static constexpr std::string_view only[] = {"only", "just", "nur", "solo", "sólo", "solamente"};
  return i + 1 < words.size() && among(only, words[i + 1].text);
}
/// Does one of the words stand in the text, outside of all `except`?
QUIPU_INLINE bool holds(std::string_view text, std::span<const std::string_view> some, std::span<const std::string_view> except = {}) {
  for (const std::string_view word : some) {
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      const bool excepted = std::any_of(except.begin(), except.end(), [&](std::string_view whole) {
        const std::size_t inside = whole.find(word);
        return inside != std::string_view::npos && at >= inside && text.substr(at - inside).starts_with(whole);
      });
      if (!excepted) return true;
    }
  }
  return false;
}

/// The clause of a sentence that the bytes [begin, end) lie in.
QUIPU_INLINE std::pair<std::size_t, std::size_t> clause_around(std::string_view sentence, std::span<const placed_word> words,
                                                               std::size_t begin, std::size_t end) {
  static constexpr std::string_view marks[] = {",", ";", ":", "(", ")", " - ", "\u2013", "\u2014", "，", "；", "：", "（", "）"};
  std::size_t from = 0, to = sentence.size();
  const auto cut = [&](std::size_t at, std::size_t length) {
    if (at + length <= begin) from = std::max(from, at + length);
    if (at >= end) to = std::min(to, at);
  };
  for (const std::string_view mark : marks) {
    for (std::size_t at = sentence.find(mark); at != std::string_view::npos; at = sentence.find(mark, at + 1)) cut(at, mark.size());
  }
  for (const placed_word& w : words) {
    if (w.small && among(turns, w.text)) cut(w.begin, w.end - w.begin);
  }
  for (const std::string_view turn : han_turns) {
    for (std::size_t at = sentence.find(turn); at != std::string_view::npos; at = sentence.find(turn, at + 1)) {
      if (turn == "而不是") {
        if (at >= end) to = std::min(to, at);
        if (at + turn.size() <= begin) from = std::max(from, at);  // the denial stays in the clause
      } else {
        cut(at, turn.size());
      }
    }
  }
  return {from, to};
}

/// Is what stands at [begin, end) of the sentence said to be so?
QUIPU_INLINE bool asserted_at(std::string_view sentence, std::size_t begin, std::size_t end, std::string_view question) {
  const std::vector<placed_word> words = words_of(sentence), asked = words_of(question);
  const bool question_denies = std::any_of(asked.begin(), asked.end(), [](const placed_word& w) { return denies(w); }) ||
                               holds(question, han_denials, han_no_denials);
  if (question_denies) return true;
  if (sentence.ends_with('?') || sentence.ends_with("？") || sentence.ends_with("吗")) return false;

  const auto [from, to] = clause_around(sentence, words, begin, end);
  for (const std::string_view beside : {sentence.substr(from, begin - from), sentence.substr(end, to - end)}) {
    if (holds(beside, han_denials, han_no_denials) || holds(beside, han_doubts)) return false;
  }
  const std::string before = " " + lower(sentence.substr(from, begin - from));
  for (const std::string_view words_before : replacements) {
    if (before.find(" " + std::string(words_before) + " ") != std::string::npos) return false;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const placed_word& w = words[i];
    if (w.begin < from || w.end > to || (w.begin >= begin && w.end <= end)) continue;
    if ((w.small || i == 0) && among(doubts, w.text)) return false;
    if (!denies(w) || only_follows(words, i)) continue;
    if (w.text == "no" && w.end < sentence.size() && sentence[w.end] == '.') continue;  // "no. 5"
    const bool coordinated = i > 0 && among(coordinations, words[i - 1].text);
    if (w.begin >= end && coordinated) continue;  // "in Salzburg and not in Vienna"
    return false;
  }

  // A condition counts for the whole sentence.
  if (holds(sentence, han_conditions)) return holds(question, han_conditions);
  for (std::size_t i = 0; i < words.size(); ++i) {
    // "If Anna calls, ...", but not the title "If I Stay"
    const bool begins = i == 0 && sentence.find(',') != std::string_view::npos;
    if (!(words[i].small || begins) || !among(conditions, words[i].text)) continue;
    if (words[i].begin >= begin && words[i].end <= end) continue;
    const std::size_t last = clause_around(sentence, words, words[i].begin, words[i].end).second;
    const bool named = std::any_of(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end(), [&](const placed_word& w) {
      if (w.end > last || (w.begin >= begin && w.end <= end) || is_stop_word(w.text)) return false;
      return std::any_of(asked.begin(), asked.end(), [&](const placed_word& a) { return a.text == w.text; });
    });
    const bool asks_so = std::any_of(asked.begin(), asked.end(), [](const placed_word& a) { return among(conditions, a.text); });
    if (!named && !asks_so) return false;
  }
  return true;
}

}  // namespace assertion_detail

QUIPU_INLINE bool asserts(std::string_view text, std::string_view answer, std::string_view question) {
  if (answer.empty()) return true;
  bool found = false;
  for (const std::string_view sentence : sentences_of(text)) {
    for (std::size_t at = sentence.find(answer); at != std::string_view::npos; at = sentence.find(answer, at + 1)) {
      found = true;
      if (assertion_detail::asserted_at(sentence, at, at + answer.size(), question)) return true;
    }
  }
  return !found;
}

}  // namespace quipu::notes

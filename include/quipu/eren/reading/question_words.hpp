/// @file What a question and a note have in common, word by word: stems, the shared topic, answer candidates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

/// Runs of letters and digits in lower case.
[[nodiscard]] inline std::vector<std::string> lower_words(std::string_view text) {
  notes::term_list list;
  notes::split_words(text, list);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < list.size(); ++i) words.emplace_back(list[i]);
  return words;
}

/// Words that are no stop words; all words if there are no others.
[[nodiscard]] inline std::vector<std::string> content_terms(std::string_view text) {
  notes::term_list list;
  notes::content_words()(text, list);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < list.size(); ++i) words.emplace_back(list[i]);
  return words;
}

/// The words without repeats, in the order of their first appearance.
[[nodiscard]] inline std::vector<std::string> without_repeats(const std::vector<std::string>& words) {
  std::vector<std::string> kept;
  std::unordered_set<std::string> seen;
  for (const std::string& word : words) {
    if (seen.insert(word).second) kept.push_back(word);
  }
  return kept;
}

/// Characters, not bytes.
[[nodiscard]] inline std::size_t n_character(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

/// Takes one English ending off if three characters stay: enough to bring "speaks" and "speaking"
/// together, and too weak to do harm.
/// @param word  lower case
[[nodiscard]] inline std::string_view stem(std::string_view word) noexcept {
  for (const std::string_view ending : {"ing", "ed", "es", "s", "e"}) {
    if (word.ends_with(ending) && n_character(word) >= ending.size() + 3)
      return word.substr(0, word.size() - ending.size());
  }
  return word;
}

[[nodiscard]] inline std::unordered_set<std::string> stems_of(const std::vector<std::string>& words) {
  std::unordered_set<std::string> stems;
  for (const std::string& word : words) stems.emplace(stem(word));
  return stems;
}

namespace detail {

/// The words of a text as they are written, a possessive "'s" as part of its word.
inline std::vector<std::string_view> written_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  bool inside = false;
  const auto is_word_at = [&](std::size_t at) {
    return at < text.size() && notes::is_word_character(quipu::text::decode_utf8(text, at).code_point);
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto step = quipu::text::decode_utf8(text, at);
    if (notes::is_word_character(step.code_point)) {
      if (!inside) begin = at;
      inside = true;
    } else if (inside) {
      const bool underscore_after = at + 2 < text.size() && text[at + 2] == '_';  // no word boundary there
      if (text.substr(at, 2) == "'s" && !is_word_at(at + 2) && !underscore_after) {
        words.push_back(text.substr(begin, at + 2 - begin));
        inside = false;
        at += 2;
        continue;
      }
      words.push_back(text.substr(begin, at - begin));
      inside = false;
    }
    at += step.length;
  }
  if (inside) words.push_back(text.substr(begin));
  return words;
}

inline std::string lower(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto step = quipu::text::decode_utf8(text, at);
    at += step.length;
    quipu::text::append_utf8(out, notes::to_lower(step.code_point));
  }
  return out;
}

}  // namespace detail

/// The words of a question as `shared_span` compares them with a note's; views of the question's text.
struct topic_words {
  std::vector<std::string_view> written;
  std::vector<std::string> stems;
  std::vector<bool> counts;  ///< false for stop words
};

[[nodiscard]] inline topic_words topic_words_of(std::string_view question) {
  topic_words words{detail::written_words(question), {}, {}};
  for (const std::string_view word : words.written) {
    std::string low = detail::lower(word);
    words.counts.push_back(!notes::is_stop_word(low));
    for (std::size_t at; (at = low.find("'s")) != std::string::npos;) low.erase(at, 2);
    words.stems.emplace_back(stem(low));
  }
  return words;
}

/// The topic: the run of words of the question that has the most words besides stop words and whose stems
/// stand side by side in the note too; of several the first and shortest. Empty if there is none.
[[nodiscard]] inline std::string shared_span(const topic_words& question, std::string_view note) {
  std::vector<std::string> note_stems;
  for (const std::string& word : lower_words(note)) note_stems.emplace_back(stem(word));
  std::size_t most = 0, best_begin = 0, best_end = 0;
  for (std::size_t begin = 0; begin < question.written.size(); ++begin) {
    std::size_t n_content = 0;
    for (std::size_t end = begin + 1; end <= question.written.size(); ++end) {
      n_content += question.counts[end - 1] ? 1 : 0;
      const auto first = question.stems.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = question.stems.begin() + static_cast<std::ptrdiff_t>(end);
      if (std::search(note_stems.begin(), note_stems.end(), first, last) == note_stems.end()) break;
      if (n_content > most) {
        most = n_content;
        best_begin = begin;
        best_end = end;
      }
    }
  }
  std::string span;
  for (std::size_t i = best_begin; i < best_end; ++i) (span += span.empty() ? "" : " ") += question.written[i];
  return span;
}
[[nodiscard]] inline std::string shared_span(std::string_view question, std::string_view note) {
  return shared_span(topic_words_of(question), note);
}

/// The blank-separated words of a note without the punctuation around them.
[[nodiscard]] inline std::vector<std::string> note_words(std::string_view note) {
  constexpr std::string_view around = ".,;:!?\"'()", blank = " \t\n\r\f\v";
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = note.find_first_not_of(blank, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(note.find_first_of(blank, at), note.size());
    std::string_view word = note.substr(at, end - at);
    at = end;
    const std::size_t first = word.find_first_not_of(around);
    if (first == std::string_view::npos) continue;
    word = word.substr(first, word.find_last_not_of(around) - first + 1);
    words.emplace_back(word);
  }
  return words;
}

/// What an extractive reader may answer: the words of the note that are no stop words and not, up to their
/// stems, in the question; the note's last word if none is left. Without repeats, in the note's order.
/// @param asked  stems of the question's words
[[nodiscard]] inline std::vector<std::string> answer_candidates_beside(std::string_view note,
                                                                       const std::unordered_set<std::string>& asked) {
  const std::vector<std::string> words = note_words(note);
  std::vector<std::string> candidates;
  for (const std::string& word : words) {
    if (notes::is_stop_word(detail::lower(word))) continue;
    const std::vector<std::string> parts = lower_words(word);
    const bool known = std::all_of(parts.begin(), parts.end(),
                                   [&](const std::string& part) { return asked.count(std::string(stem(part))) != 0; });
    if (!known && std::find(candidates.begin(), candidates.end(), word) == candidates.end()) candidates.push_back(word);
  }
  if (candidates.empty() && !words.empty()) candidates.push_back(words.back());
  return candidates;
}

[[nodiscard]] inline std::vector<std::string> answer_candidates(std::string_view note, std::string_view question) {
  return answer_candidates_beside(note, stems_of(lower_words(question)));
}

/// True if one of these words that is written like a name, with a capital, stands in a note: a question that has
/// led to the words may need that note too.
[[nodiscard]] inline bool leads_to(const std::vector<std::string>& names, std::string_view note) {
  const std::vector<std::string> words = note_words(note);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const char32_t first = quipu::text::decode_utf8(name, 0).code_point;
    return notes::to_lower(first) != first && std::find(words.begin(), words.end(), name) != words.end();
  });
}

/// Question and note without their common topic.
struct word_residual {
  std::string topic;                              ///< shared_span
  std::vector<std::string> topic_stems;           ///< without repeats
  std::vector<std::string> question, note;        ///< words whose stems are not in the topic, without repeats
};

/// @param words  of the question, in lower case, without repeats
[[nodiscard]] inline word_residual residual_words(const topic_words& question, const std::vector<std::string>& words,
                                                  std::string_view note) {
  word_residual out;
  out.topic = shared_span(question, note);
  for (const std::string& word : lower_words(out.topic)) out.topic_stems.emplace_back(stem(word));
  out.topic_stems = without_repeats(out.topic_stems);
  const auto rest = [&](std::vector<std::string> all) {
    std::erase_if(all, [&](const std::string& word) {
      return std::find(out.topic_stems.begin(), out.topic_stems.end(), stem(word)) != out.topic_stems.end();
    });
    return all;
  };
  out.question = rest(words);
  out.note = rest(without_repeats(lower_words(note)));
  return out;
}
[[nodiscard]] inline word_residual residual_words(std::string_view question, std::string_view note) {
  return residual_words(topic_words_of(question), without_repeats(lower_words(question)), note);
}

}  // namespace quipu::eren

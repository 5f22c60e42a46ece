/// @file What a question and a note have in common, word by word: stems, the shared topic, answer candidates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>

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
[[nodiscard]] std::vector<std::string> content_terms(std::string_view text);

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

[[nodiscard]] std::string lower(std::string_view text);

}  // namespace detail

/// The words of a question as `shared_span` compares them with a note's; views of the question's text.
struct topic_words {
  std::vector<std::string_view> written;
  std::vector<std::string> stems;
  std::vector<bool> counts;  ///< false for stop words
};

[[nodiscard]] topic_words topic_words_of(std::string_view question);

/// The topic: the run of words of the question that has the most words besides stop words and whose stems
/// stand side by side in the note too; of several the first and shortest. Empty if there is none.
[[nodiscard]] std::string shared_span(const topic_words& question, std::string_view note);
[[nodiscard]] std::string shared_span(std::string_view question, std::string_view note);

/// The blank-separated words of a note without the punctuation around them.
[[nodiscard]] std::vector<std::string> note_words(std::string_view note);

/// What an extractive reader may answer: the words of the note that are no stop words and not, up to their
/// stems, in the question; the note's last word if none is left. Without repeats, in the note's order.
/// @param asked  stems of the question's words
[[nodiscard]] std::vector<std::string> answer_candidates_beside(std::string_view note,
                                                                const std::unordered_set<std::string>& asked);

[[nodiscard]] inline std::vector<std::string> answer_candidates(std::string_view note, std::string_view question) {
  return answer_candidates_beside(note, stems_of(lower_words(question)));
}

/// True if one of these words that is written like a name, with a capital, stands in a note: a question that has
/// led to the words may need that note too.
[[nodiscard]] bool leads_to(const std::vector<std::string>& names, std::string_view note);

/// Question and note without their common topic.
struct word_residual {
  std::string topic;                              ///< shared_span
  std::vector<std::string> topic_stems;           ///< without repeats
  std::vector<std::string> question, note;        ///< words whose stems are not in the topic, without repeats
};

/// @param words  of the question, in lower case, without repeats
[[nodiscard]] word_residual residual_words(const topic_words& question, const std::vector<std::string>& words,
                                           std::string_view note);
[[nodiscard]] word_residual residual_words(std::string_view question, std::string_view note);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/reading/question_words.ipp>
#endif

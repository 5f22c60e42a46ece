// What question_words.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <quipu/eren/reading/question_words.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>
#include <quipu/text/character_class.hpp>  // is_mark
#include <quipu/text/unicode_normal.hpp>   // to_search_form
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

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
    if (notes::is_word_character(step.code_point) || (inside && quipu::text::is_mark(step.code_point))) {
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

QUIPU_INLINE std::string lower(std::string_view text) { return quipu::text::to_search_form(text); }

}  // namespace detail

QUIPU_INLINE std::vector<std::string> content_terms(std::string_view text) {
  notes::term_list list;
  notes::content_words()(text, list);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < list.size(); ++i) words.emplace_back(list[i]);
  return words;
}

QUIPU_INLINE topic_words topic_words_of(std::string_view question) {
  topic_words words{detail::written_words(question), {}, {}};
  for (const std::string_view word : words.written) {
    std::string low = detail::lower(word);
    words.counts.push_back(!notes::is_stop_word(low));
    for (std::size_t at; (at = low.find("'s")) != std::string::npos;) low.erase(at, 2);
    words.stems.emplace_back(stem(low));
  }
  return words;
}

QUIPU_INLINE std::string shared_span(const topic_words& question, std::string_view note) {
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

QUIPU_INLINE std::string shared_span(std::string_view question, std::string_view note) {
  return shared_span(topic_words_of(question), note);
}

QUIPU_INLINE std::vector<std::string> note_words(std::string_view note) {
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

QUIPU_INLINE std::vector<std::string> answer_candidates_beside(std::string_view note,
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

QUIPU_INLINE bool leads_to(const std::vector<std::string>& names, std::string_view note) {
  const std::vector<std::string> words = note_words(note);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const char32_t first = quipu::text::decode_utf8(name, 0).code_point;
    return notes::to_lower(first) != first && std::find(words.begin(), words.end(), name) != words.end();
  });
}

QUIPU_INLINE word_residual residual_words(const topic_words& question, const std::vector<std::string>& words,
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

QUIPU_INLINE word_residual residual_words(std::string_view question, std::string_view note) {
  return residual_words(topic_words_of(question), without_repeats(lower_words(question)), note);
}

}  // namespace quipu::eren

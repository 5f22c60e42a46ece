/// @file Features of a question and a note that need no model: what the cheap gates look at.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

/// Scores of the best note, and of the one after it, in the ranking that the note was taken from.
struct retrieval_evidence {
  double bm25 = 0, bm25_second = 0;  ///< BM25 over `query_weight` of the question
  double ngram = 0, ngram_second = 0;  ///< cosine of character n-grams
};

inline constexpr std::array<std::string_view, 29> lexical_feature_names = {
    "bm25",        "bm25_gap", "char",         "char_gap",      "q_idf_covered", "n_hit",
    "idf_hit",     "frac_hit", "idf_frac_hit", "n_unmatched",   "idf_unmatched", "n_note_resid",
    "char4_resid", "no_resid", "topic_len",    "topic_idf",     "prep_shared",   "prep_unmatched",
    "q_who",       "q_where",  "q_when",       "q_what",        "q_which",       "q_how",
    "q_in",        "q_on",     "answer_upper", "answer_digits", "n_candidate"};

using lexical_vector = std::array<double, lexical_feature_names.size()>;

namespace detail {

inline std::set<std::string> four_grams(const std::vector<std::string>& words) {
  std::set<std::string> grams;
  for (const std::string& word : words) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < word.size(); ++at) {
      if ((static_cast<unsigned char>(word[at]) & 0xc0u) != 0x80u) starts.push_back(at);
    }
    starts.push_back(word.size());
    const std::size_t n = starts.size() - 1;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, n < 3 ? 1 : n - 3); ++i) {
      grams.insert(word.substr(starts[i], starts[std::min(i + 4, n)] - starts[i]));
    }
  }
  return grams;
}

inline std::set<std::string> prepositions(const std::vector<std::string>& words) {
  static constexpr std::string_view known[] = {"in", "on", "at", "by", "of", "from", "for", "with"};
  std::set<std::string> found;
  for (const std::string& word : words) {
    if (std::find(std::begin(known), std::end(known), word) != std::end(known)) found.insert(word);
  }
  return found;
}

}  // namespace detail

/// The 29 features of `lexical_feature_names`.
///
/// @param note  without its final period
/// @param idf   (string_view word) -> double, that of the notes; the largest one for an unknown word
template <class Idf>
[[nodiscard]] lexical_vector lexical_features(const asked_question& question, std::string_view note,
                                              const retrieval_evidence& scores, Idf&& idf) {
  const word_residual rest = residual_words(question.topic(), question.distinct_words(), note);
  const std::vector<std::string>& question_words = question.words();
  const std::vector<std::string> note_all = lower_words(note);
  const std::unordered_set<std::string> note_stems = stems_of(note_all);
  const auto in_note = [&](const std::string& word) { return note_stems.count(std::string(stem(word))) != 0; };
  const auto content = [](std::vector<std::string> words) {
    std::erase_if(words, [](const std::string& word) { return notes::is_stop_word(word); });
    return words;
  };
  const auto only = [](std::vector<std::string> words, auto&& keep) {
    std::erase_if(words, [&](const std::string& word) { return !keep(word); });
    return words;
  };
  const auto weight = [&](const std::vector<std::string>& words) {
    // Stop words weigh what unknown words do: gates were fitted on that.
    double sum = 0;
    for (const std::string& word : words) sum += idf(notes::is_stop_word(word) ? std::string_view() : std::string_view(word));
    return sum;
  };
  const std::vector<std::string> asked = content(question.distinct_words());
  const std::vector<std::string> question_rest = content(rest.question), note_rest = content(rest.note);
  const std::vector<std::string> hits = only(question_rest, in_note);
  const auto question_grams = detail::four_grams(question_rest), note_grams = detail::four_grams(note_rest);
  std::size_t n_common = 0;
  for (const std::string& gram : question_grams) n_common += note_grams.count(gram);
  const auto question_preps = detail::prepositions(question_words), note_preps = detail::prepositions(note_all);
  std::size_t n_shared = 0;
  for (const std::string& word : question_preps) n_shared += note_preps.count(word);
  const std::vector<std::string> candidates = answer_candidates_beside(note, question.stems());
  const std::string answer = candidates.empty() ? std::string() : candidates.back();
  const auto number = [](auto value) { return static_cast<double>(value); };

  lexical_vector f{};
  std::size_t next = 0;
  const auto put = [&](double value) { f[next++] = value; };
  put(scores.bm25);
  put(scores.bm25 - scores.bm25_second);
  put(scores.ngram);
  put(scores.ngram - scores.ngram_second);
  put(weight(only(asked, in_note)) / std::max(1e-6, weight(asked)));
  put(number(hits.size()));
  put(weight(hits));
  put(number(hits.size()) / std::max(1.0, number(question_rest.size())));
  put(question_rest.empty() ? 0.5 : weight(hits) / std::max(1e-6, weight(question_rest)));
  put(number(question_rest.size() - hits.size()));
  put(weight(question_rest) - weight(hits));
  put(number(note_rest.size()));
  put(number(n_common) / std::max(1.0, number(std::min(question_grams.size(), note_grams.size()))));
  put(question_rest.empty() ? 1 : 0);
  put(number(rest.topic_stems.size()));
  put(weight(rest.topic_stems));
  put(number(n_shared));
  put(question_preps.size() > n_shared ? 1 : 0);
  for (const std::string_view first : {"who", "where", "when", "what", "which", "how", "in", "on"}) {
    put(!question_words.empty() && question_words.front() == first ? 1 : 0);
  }
  const char32_t initial = answer.empty() ? U' ' : quipu::text::decode_utf8(answer, 0).code_point;
  put(notes::to_lower(initial) != initial ? 1 : 0);
  put(!answer.empty() && answer.find_first_not_of("0123456789") == std::string::npos ? 1 : 0);
  put(number(candidates.size()));
  return f;
}

}  // namespace quipu::eren

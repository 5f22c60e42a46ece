/// @file How much a question looks like a note, in numbers that mean the same with every retriever.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_retriever.hpp>  // weighing_retriever
#include <quipu/notes/word_tokens.hpp>

namespace quipu::eren {

/// Cosine of the character n-grams (3 to 5, and whole words, all in brackets) of the content words; an n-gram
/// weighs (1 + ln f) times the idf of the rarest word around it. Needs no statistics but the words' idf.
/// @return 0..1
template <class Idf>
[[nodiscard]] double ngram_similarity(const asked_question& question, std::string_view note, Idf&& idf) {
  struct gram {
    double in_question = 0, in_note = 0, weight = 0;
  };
  std::unordered_map<std::string, gram> grams;
  const auto count = [&](const std::vector<std::string>& words, double gram::*where) {
    for (const std::string& word : words) {
      const double weight = idf(std::string_view(word));
      const std::string bracketed = "<" + word + ">";
      std::vector<std::size_t> starts;
      for (std::size_t at = 0; at < bracketed.size(); ++at) {
        if ((static_cast<unsigned char>(bracketed[at]) & 0xc0u) != 0x80u) starts.push_back(at);
      }
      starts.push_back(bracketed.size());
      const auto add = [&](std::string key) {
        gram& g = grams[std::move(key)];
        g.*where += 1;
        g.weight = std::max(g.weight, weight);
      };
      for (std::size_t n = 3; n <= 5; ++n) {
        for (std::size_t i = 0; i + n < starts.size(); ++i) add(bracketed.substr(starts[i], starts[i + n] - starts[i]));
      }
      add("w" + bracketed);
    }
  };
  count(question.content(), &gram::in_question);
  count(content_terms(note), &gram::in_note);
  double dot = 0, question_squares = 0, note_squares = 0;
  for (const auto& [key, g] : grams) {
    const double q = g.in_question > 0 ? (1 + std::log(g.in_question)) * g.weight : 0,
                 n = g.in_note > 0 ? (1 + std::log(g.in_note)) * g.weight : 0;
    dot += q * n;
    question_squares += q * q;
    note_squares += n * n;
  }
  return dot > 0 ? dot / std::sqrt(question_squares * note_squares) : 0;
}

/// How many notes the idf of features is scaled to: that of a word grows with the logarithm of the number of
/// notes, and a gate fitted on a thousand of them must also work with one.
inline constexpr double reference_n_note = 1024;

/// Word statistics of the notes, from a retriever that has them: itself, a part of a hybrid, or the one hop
/// of two. Others get the same idf for every word.
///
/// @tparam Retriever  models `note_retriever`
template <class Retriever>
class note_statistics {
 public:
  explicit note_statistics(const Retriever& retriever) : retriever_(&retriever) {}

  /// ln(1 + (N - n_w + 1/2) / (n_w + 1/2)) as if there were `reference_n_note` notes and n_w were what it is.
  [[nodiscard]] double idf(std::string_view word) const {
    // Stop words are in no index: like unknown words.
    const double own = idf_of(*retriever_, notes::is_stop_word(word) ? std::string_view() : word);
    return own + std::log((reference_n_note + 1) / (static_cast<double>(retriever_->size()) + 1));
  }
  /// BM25 of a note over the question's idf, both scaled to `reference_n_note` notes; about 0..1.
  [[nodiscard]] double bm25(const asked_question& question, notes::note_id id, std::string_view note) const {
    return bm25_of(*retriever_, question, id, note);
  }

 private:
  // Calls `use` with the first part that has statistics.
  template <class R, class Use>
  static bool visit(const R& r, Use&& use) {
    if constexpr (notes::weighing_retriever<R>) {
      use(r);
      return true;
    } else if constexpr (notes::stacked_retriever<R>) {
      return visit(r.one_hop(), use);
    } else if constexpr (notes::composed_retriever<R>) {
      return std::apply([&](const auto&... part) { return (visit(part, use) || ...); }, r.parts());
    } else {
      return false;
    }
  }
  static double idf_of(const Retriever& r, std::string_view word) {
    double value = std::log(1 + (static_cast<double>(r.size()) + 0.5) / 0.5);
    visit(r, [&](const auto& part) { value = part.idf(word); });
    return value;
  }
  double bm25_of(const Retriever& r, const asked_question& question, notes::note_id id, std::string_view note) const {
    const std::vector<std::string> asked = without_repeats(question.content()), noted = content_terms(note);
    double all = 0, shared = 0, shared_own = 0;
    for (const std::string& word : asked) {
      const double weight = idf(word);
      all += weight;
      if (std::find(noted.begin(), noted.end(), word) == noted.end()) continue;
      shared += weight;
      shared_own += idf_of(r, word);
    }
    if (all <= 0 || shared_own <= 0) return 0;
    // How much a shared word counts on average for its repeats and the note's length; 1 without statistics.
    double factor = 1;
    visit(r, [&](const auto& part) { factor = part.score(question.text(), id) / shared_own; });
    return factor * shared / all;
  }

  const Retriever* retriever_;
};

}  // namespace quipu::eren

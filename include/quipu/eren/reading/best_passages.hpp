/// @file The passages of a long note that a question is likeliest to be answered by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/notes/passages.hpp>

namespace quipu::eren {

/// At most `n_most` passages of a note (see `notes::passages_of`), best first: those with the greatest sum of the idf of the
/// question's content words, compared by their stems. Of equal ones the middle counts as the best: a sentence is then
/// read with its neighbours on both sides.
/// @param idf    of a word among the notes
/// @param note   views of it are returned
/// @param apart  none that overlaps a better one
template <class Idf>
[[nodiscard]] std::vector<std::string_view> best_passages(const asked_question& question, std::string_view note, Idf&& idf,
                                                          std::size_t n_most = 1, bool apart = true,
                                                          const notes::passage_options& options = {}) {
  std::vector<std::string_view> passages = notes::passages_of(note, options);
  if (passages.size() < 2) return passages;
  std::vector<std::pair<std::string, double>> asked;
  for (const std::string& word : without_repeats(question.content())) asked.emplace_back(stem(word), idf(std::string_view(word)));
  std::vector<double> scores;
  for (const std::string_view passage : passages) {
    const std::unordered_set<std::string> stems = stems_of(lower_words(passage));
    double score = 0;
    for (const auto& [word, weight] : asked) score += stems.contains(word) ? weight : 0;
    scores.push_back(score);
  }
  std::vector<std::string_view> best;
  while (best.size() < std::min(n_most, passages.size())) {
    const auto top = std::max_element(scores.begin(), scores.end());
    const double score = *top;
    auto end = std::find_if(top, scores.end(), [&](double s) { return s != score; });
    const auto chosen = top + (end - top) / 2;
    best.push_back(passages[static_cast<std::size_t>(chosen - scores.begin())]);
    *chosen = -1;
    for (std::size_t i = 0; apart && i < passages.size(); ++i) {
      const bool beside = passages[i].data() >= best.back().data() + best.back().size() ||
                          passages[i].data() + passages[i].size() <= best.back().data();
      if (!beside) scores[i] = -1;
    }
    if (*std::max_element(scores.begin(), scores.end()) < 0) break;
  }
  return best;
}

/// What is read of a note for a question: its best passage; all of a note that is short, or empty.
template <class Idf>
[[nodiscard]] std::string_view best_passage(const asked_question& question, std::string_view note, Idf&& idf) {
  const std::vector<std::string_view> best = best_passages(question, note, idf);
  return best.empty() ? note : best.front();
}

}  // namespace quipu::eren

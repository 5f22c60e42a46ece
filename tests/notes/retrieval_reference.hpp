/// @file BM25 and n-gram scores straight from their definitions, over all notes, to compare retrievers with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/word_tokens.hpp>

namespace quipu::test {

template <class Words>
std::vector<std::string> words_of(const std::string& text, const Words& words) {
  notes::term_list list;
  words(text, list);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.size(); ++i) out.emplace_back(list[i]);
  return out;
}

/// Every note scored by the formula, in the order of the question's words.
template <class Words>
std::vector<notes::scored_note> bm25_by_definition(const std::map<notes::note_id, std::string>& texts,
                                                   const std::string& query, std::size_t k, const Words& words = {},
                                                   double k1 = 1.2, double b = 0.75) {
  std::map<notes::note_id, std::map<std::string, double>> counts;
  std::map<notes::note_id, double> lengths;
  std::map<std::string, double> n_with;
  double total = 0;
  for (const auto& [id, text] : texts) {
    for (const std::string& word : words_of(text, words)) {
      if (counts[id][word]++ == 0) ++n_with[word];
      ++lengths[id];
      ++total;
    }
  }
  std::vector<std::string> distinct;
  for (const std::string& word : words_of(query, words)) {
    if (std::find(distinct.begin(), distinct.end(), word) == distinct.end()) distinct.push_back(word);
  }
  const auto n_note = static_cast<double>(texts.size());
  const double mean = total / n_note;
  std::vector<notes::scored_note> all;
  for (const auto& [id, text] : texts) {
    double score = 0;
    for (const std::string& word : distinct) {
      const auto found = counts[id].find(word);
      if (found == counts[id].end()) continue;
      const double idf = std::log(1 + (n_note - n_with[word] + 0.5) / (n_with[word] + 0.5));
      const double f = found->second;
      score += idf * (k1 + 1) * (f / (f + k1 * (1 - b) + k1 * b / mean * lengths[id]));
    }
    if (score > 0) all.push_back({id, score});
  }
  std::sort(all.begin(), all.end(), notes::ranks_before);
  if (all.size() > k) all.resize(k);
  return all;
}

/// Sentences over a vocabulary with a few frequent and many rare words.
inline std::string random_sentence(std::mt19937& random, int vocabulary, int longest) {
  std::string text;
  const int n = 1 + static_cast<int>(random() % static_cast<unsigned>(longest));
  for (int i = 0; i < n; ++i) {
    const double u = static_cast<double>(random()) / 4294967296.0;
    text += "w" + std::to_string(static_cast<int>(vocabulary * u * u * u * u)) + " ";
  }
  return text;
}

/// The same notes in the same order with scores that differ by rounding at most.
inline bool same_ranking(const std::vector<notes::scored_note>& a, const std::vector<notes::scored_note>& b,
                         double tolerance = 1e-12) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i].score - b[i].score) > tolerance * (1 + std::abs(b[i].score))) return false;
    if (a[i].id == b[i].id) continue;
    // Scores that rounding alone tells apart may change places.
    const bool tied = std::any_of(b.begin(), b.end(), [&](const notes::scored_note& other) {
      return other.id == a[i].id && std::abs(other.score - b[i].score) <= tolerance * (1 + std::abs(b[i].score));
    });
    const bool at_end = std::abs(a[i].score - b.back().score) <= tolerance * (1 + std::abs(b.back().score));
    if (!tied && !at_end) return false;
  }
  return true;
}

}  // namespace quipu::test

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

/// BM25 of every note by the formula, in the order of the question's words.
template <class Words>
class bm25_by_definition {
 public:
  explicit bm25_by_definition(const std::map<notes::note_id, std::string>& texts, double k1 = 1.2, double b = 0.75)
      : k1_(k1), b_(b) {
    for (const auto& [id, text] : texts) {
      notes::term_list words;
      std::size_t length = 0;
      if constexpr (notes::cuts_notes<Words>) {
        length = Words{}.note(text, words);
      } else {
        Words{}(text, words);
        length = words.size();
      }
      counts_[id];
      for (std::size_t i = 0; i < words.size(); ++i) {
        if (counts_[id][std::string(words[i])]++ == 0) ++n_with_[std::string(words[i])];
      }
      lengths_[id] = static_cast<double>(length);
      total_ += static_cast<double>(length);
    }
  }
  [[nodiscard]] std::vector<notes::scored_note> operator()(const std::string& query, std::size_t k) {
    std::vector<std::string> distinct;
    for (const std::string& word : words_of(query, Words{})) {
      if (std::find(distinct.begin(), distinct.end(), word) == distinct.end()) distinct.push_back(word);
    }
    const auto n_note = static_cast<double>(counts_.size());
    const double mean = total_ / n_note;
    std::vector<notes::scored_note> all;
    for (const auto& [id, counts] : counts_) {
      double score = 0;
      for (const std::string& word : distinct) {
        const auto found = counts.find(word);
        if (found == counts.end()) continue;
        const double idf = std::log(1 + (n_note - n_with_[word] + 0.5) / (n_with_[word] + 0.5));
        const double f = found->second;
        score += idf * f * (k1_ + 1) / (f + k1_ * (1 - b_ + b_ * lengths_[id] / mean));
      }
      if (score > 0) all.push_back({id, score});
    }
    std::sort(all.begin(), all.end(), notes::ranks_before);
    if (all.size() > k) all.resize(k);
    return all;
  }

 private:
  double k1_, b_, total_ = 0;
  std::map<notes::note_id, std::map<std::string, double>> counts_;
  std::map<notes::note_id, double> lengths_;
  std::map<std::string, double> n_with_;
};

/// Cosine of tf-idf over character n-grams by the formula. @pre texts of ASCII
class ngrams_by_definition {
 public:
  explicit ngrams_by_definition(const std::map<notes::note_id, std::string>& texts) {
    for (const auto& [id, text] : texts) {
      counts_[id] = grams(text);
      for (const auto& [gram, count] : counts_[id]) ++n_with_[gram];
    }
    for (const auto& [id, counts] : counts_) {
      double squares = 0;
      for (const auto& [gram, count] : counts) squares += weight(gram, count) * weight(gram, count);
      norms_[id] = std::sqrt(squares);
    }
  }
  [[nodiscard]] std::vector<notes::scored_note> operator()(const std::string& query, std::size_t k) {
    const auto asked = grams(query);
    double squares = 0;
    for (const auto& [gram, count] : asked) squares += weight(gram, count) * weight(gram, count);
    std::vector<notes::scored_note> all;
    for (const auto& [id, counts] : counts_) {
      double dot = 0;
      for (const auto& [gram, count] : asked) {
        const auto found = counts.find(gram);
        if (found != counts.end()) dot += weight(gram, count) * weight(gram, found->second);
      }
      if (dot > 0) all.push_back({id, dot / std::sqrt(squares) / norms_[id]});
    }
    std::sort(all.begin(), all.end(), notes::ranks_before);
    if (all.size() > k) all.resize(k);
    return all;
  }

 private:
  static std::map<std::string, double> grams(const std::string& text) {
    std::map<std::string, double> counts;
    for (const std::string& word : words_of(text, notes::content_words{})) {
      const std::string whole = "<" + word + ">";
      for (std::size_t n = 3; n <= 5; ++n) {
        for (std::size_t at = 0; at + n <= whole.size(); ++at) ++counts[whole.substr(at, n)];
      }
      ++counts[whole];
    }
    return counts;
  }
  double weight(const std::string& gram, double count) {
    const auto n_note = static_cast<double>(counts_.size());
    const auto found = n_with_.find(gram);
    const double idf = found == n_with_.end() ? std::log(1 + n_note) : std::log((1 + n_note) / (1 + found->second)) + 1;
    return (1 + std::log(count)) * idf;
  }
  std::map<notes::note_id, std::map<std::string, double>> counts_;
  std::map<std::string, double> n_with_;
  std::map<notes::note_id, double> norms_;
};

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

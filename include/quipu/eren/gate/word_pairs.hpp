/// @file A feature of gates that learns which words of questions ask for which words of notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/gate_features.hpp>
#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/question_words.hpp>

namespace quipu::eren {

/// How many values `word_pair_features` has.
inline constexpr std::size_t n_word_pair_bucket = 2048;

/// Pairs of a residual word of the question and one of the note, hashed: with weights that are learned, a
/// table of paraphrases of relations. The last answer candidate is left out. Length at most 1.
[[nodiscard]] inline std::vector<float> word_pair_features(const asked_question& question, std::string_view note) {
  const word_residual rest = residual_words(question.topic(), question.distinct_words(), note);
  const std::vector<std::string> candidates = answer_candidates_beside(note, question.stems());
  const std::string answer = candidates.empty() ? std::string() : detail::lower(candidates.back());
  std::vector<float> buckets(n_word_pair_bucket, 0.0f);
  for (const std::string& asked : rest.question) {
    for (const std::string& noted : rest.note) {
      if (stem(noted) == stem(answer)) continue;
      std::string pair(stem(asked));
      (pair += '|') += stem(noted);
      buckets[crc32(pair) % n_word_pair_bucket] += 1;
    }
  }
  float squares = 0;
  for (const float value : buckets) squares += value * value;
  const float length = std::max(1.0f, std::sqrt(squares));
  for (float& value : buckets) value /= length;
  return buckets;
}

/// Hashed pairs of residual words: a table of paraphrases of relations, to be learned. Times three, which
/// weakens the ridge on them.
struct word_pairs {
  static constexpr feature_stage stage = feature_stage::text;
  [[nodiscard]] static std::vector<std::string> names() {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < n_word_pair_bucket; ++i) all.push_back("pair" + std::to_string(i));
    return all;
  }
  template <class Session>
  void operator()(Session&, const gate_evidence& e, std::span<double> out) const {
    const std::vector<float> f = word_pair_features(e.question, e.notes.front());
    for (std::size_t i = 0; i < f.size(); ++i) out[i] = 3.0 * static_cast<double>(f[i]);
  }
};

}  // namespace quipu::eren

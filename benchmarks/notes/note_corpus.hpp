/// @file Notes and questions for benchmarks: statements of EREN's sets and variations of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <quipu/data/eren_sets.hpp>

namespace quipu::bench {

/// Sentences of at most 15 words. The first ones are statements of the sets, the others those with one to
/// three words swapped against words of other statements. Without the sets, words from a made-up
/// vocabulary with a similar spread.
inline std::vector<std::string> note_corpus(std::size_t n) {
  std::vector<std::vector<std::string>> base;
  std::set<std::string> seen;
  const auto take = [&](const std::string& statement) {
    std::istringstream in(statement);
    std::vector<std::string> words;
    for (std::string word; words.size() < 15 && in >> word;) words.push_back(word);
    std::string whole;
    for (const std::string& word : words) whole += word + " ";
    if (words.size() >= 6 && seen.insert(whole).second) base.push_back(words);
  };
  const char* chosen = std::getenv("QUIPU_SHARED");
  const std::filesystem::path folder =
      std::filesystem::path(chosen != nullptr ? chosen : QUIPU_SHARED_DEFAULT) / "data" / "edit" / "eren";
  if (std::filesystem::exists(folder)) {
    for (const auto& one : data::read_counterfact_hard((folder / "cfh_filtered.json").string())) take(one.notes[0]);
    const data::fever_set fever = data::read_fever((folder / "fever_filtered.json").string());
    for (const auto& one : fever.edits) take(one.notes[0]);
    for (const auto& one : fever.out_of_scope) take(one.notes[0]);
    for (const auto& one : data::read_hotpot((folder / "hotpot.json").string())) {
      for (const std::string& note : one.notes) take(note);
    }
  }
  std::mt19937 random(1);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  while (base.size() < 4000) {
    std::vector<std::string> words;
    for (int i = 0; i < 12; ++i) {
      const double u = static_cast<double>(random()) / 4294967296.0;
      words.push_back("w" + std::to_string(static_cast<int>(9000 * u * u * u)));
    }
    base.push_back(words);
  }
  std::vector<std::string> notes;
  notes.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::string> words = i < base.size() ? base[i] : base[below(base.size())];
    if (i >= base.size()) {
      for (std::size_t swaps = 1 + below(3); swaps > 0; --swaps) {
        const auto& other = base[below(base.size())];
        words[below(words.size())] = other[below(other.size())];
      }
    }
    std::string text;
    for (const std::string& word : words) (text += text.empty() ? "" : " ") += word;
    notes.push_back(std::move(text));
  }
  return notes;
}

/// Three to six words of a note, in their order.
inline std::vector<std::string> note_questions(const std::vector<std::string>& notes, std::size_t n) {
  std::mt19937 random(2);
  std::vector<std::string> questions;
  while (questions.size() < n) {
    std::istringstream in(notes[random() % notes.size()]);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    const std::size_t k = std::min<std::size_t>(words.size(), 3 + random() % 4);
    std::string text;
    for (std::size_t i = 0, left = k; i < words.size() && left > 0; ++i) {
      if (random() % (words.size() - i) >= left) continue;
      (text += text.empty() ? "" : " ") += words[i];
      --left;
    }
    questions.push_back(text);
  }
  return questions;
}

}  // namespace quipu::bench

// What unlabelled_cases.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/study/held_out.hpp>
#include <quipu/eren/study/question_maker.hpp>
#include <quipu/eren/study/unlabelled_cases.hpp>

namespace quipu::eren {

namespace detail {

inline std::set<std::string> content_stems(const std::vector<std::string>& words) {
  std::set<std::string> stems;
  for (const std::string& word : words) {
    if (!notes::is_stop_word(word)) stems.emplace(stem(word));
  }
  return stems;
}

/// Does one of the words begin like a name, with a capital or a digit?
inline bool has_name(std::string_view text) {
  const std::vector<std::string> words = note_words(text);
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    const char32_t first = quipu::text::decode_utf8(word, 0).code_point;
    return notes::to_lower(first) != first || (first >= U'0' && first <= U'9');
  });
}

/// The question with this topic in place of its own; empty if its own does not stand in it as written.
inline std::string with_topic(std::string question, std::string_view own, std::string_view topic) {
  const std::size_t at = own.empty() ? std::string::npos : question.find(own);
  return at == std::string::npos ? std::string() : question.replace(at, own.size(), topic);
}

}  // namespace detail

QUIPU_INLINE std::vector<data::edit_case> unlabelled_cases(std::span<const std::string> notes,
                                                           std::span<const made_question> made,
                                                           std::uint64_t seed) {
  std::vector<std::vector<const made_question*>> of_note(notes.size());
  for (const made_question& m : made) {
    if (m.note >= notes.size())
      fail<config_error>("unlabelled_cases: note of a question", concat("below ", notes.size()), m.note);
    of_note[m.note].push_back(&m);
  }
  std::vector<data::edit_case> cases(notes.size());
  for (std::size_t i = 0; i < notes.size(); ++i) {
    data::edit_case& c = cases[i];
    c.id = std::to_string(i);
    const auto& own = of_note[i];
    random_stream random(seed, i);
    if (!live_half(i)) {
      if (!own.empty()) c.unrelated.push_back({"neighbor_subj", {{own[random() % own.size()]->question, {}, {}}}, {}});
      continue;
    }
    c.notes = {notes[i]};
    if (own.empty()) continue;
    for (const made_question* m : own) c.in_scope.push_back({m->question, {m->answer}, {}});
    const std::string topic = shared_span(own.front()->question, notes[i]);
    const std::set<std::string> told = detail::content_stems(residual_words(own.front()->question, notes[i]).note);
    for (int attempt = 0; attempt < 50 && c.unrelated.empty() && detail::has_name(topic); ++attempt) {
      const made_question& other = made[random() % made.size()];
      const word_residual rest = residual_words(other.question, notes[other.note]);
      if (other.note == i || !detail::has_name(rest.topic)) continue;
      std::set<std::string> asked = detail::content_stems(rest.note);
      asked.merge(detail::content_stems(rest.question));
      bool alike = false;
      for (const std::string& word : asked) alike = alike || told.count(word) != 0;
      std::string question = alike ? std::string() : detail::with_topic(other.question, rest.topic, topic);
      if (!question.empty()) c.unrelated.push_back({"same_subj", {{std::move(question), {}, {}}}, {}});
    }
  }
  return cases;
}

QUIPU_INLINE studied_part read_back(const studied_part& all, std::span<const std::string> names) {
  const auto at = std::find(names.begin(), names.end(), "ans_v");
  if (at == names.end()) fail<config_error>("read_back: features", "ans_v among them", names.size());
  const auto sure = static_cast<std::size_t>(at - names.begin());
  const auto came_back = [](const evaluation_question& q, const studied_question& s) {
    return q.kind == question_kind::in_scope && s.own_note && s.right;
  };
  std::vector<double> scores;
  for (std::size_t i = 0; i < all.studied.size(); ++i) {
    if (came_back(all.questions[i], all.studied[i])) scores.push_back(all.studied[i].features.at(sure));
  }
  if (scores.empty())
    fail<config_error>("read_back: questions in scope", "some that are answered as they were meant", "none");
  const auto middle = scores.begin() + static_cast<std::ptrdiff_t>(scores.size() / 2);
  std::nth_element(scores.begin(), middle, scores.end());
  studied_part kept;
  for (std::size_t i = 0; i < all.studied.size(); ++i) {
    const evaluation_question& q = all.questions[i];
    if (q.kind == question_kind::in_scope &&
        !(came_back(q, all.studied[i]) && all.studied[i].features.at(sure) >= *middle))
      continue;
    kept.questions.push_back(q);
    kept.studied.push_back(all.studied[i]);
  }
  return kept;
}

}  // namespace quipu::eren

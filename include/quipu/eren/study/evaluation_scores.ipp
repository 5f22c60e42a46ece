// What evaluation_scores.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>
#include <quipu/report/metrics.hpp>

namespace quipu::eren {

QUIPU_INLINE report::edit_outcome outcome_of(const evaluation_question& q, const evaluation_record& r) {
  report::edit_outcome o;
  o.applied = r.applied;
  o.own_note = r.own_note;
  o.right = !r.text.empty() && report::matches_any(r.text, q.accepted);
  o.unchanged = r.applied ? !r.unedited.empty() && report::answers_match(r.text, r.unedited) : r.text == r.unedited;
  return o;
}

QUIPU_INLINE untouched_answers count_untouched(std::span<const evaluation_record> records) {
  untouched_answers count;
  for (const evaluation_record& r : records) {
    count.rejected += r.applied ? 0 : 1;
    count.identical += !r.applied && r.text == r.unedited ? 1 : 0;
  }
  return count;
}

QUIPU_INLINE std::optional<double> auroc_of(std::span<const evaluation_question> questions,
                                            std::span<const evaluation_record> records) {
  using key = std::tuple<bool, double, double>;
  const auto key_of = [&](std::size_t i) {
    const evaluation_record& r = records[i];
    return r.read ? key{true, r.probability, r.score} : key{};
  };
  std::vector<key> all;
  for (std::size_t i = 0; i < records.size(); ++i) all.push_back(key_of(i));
  std::sort(all.begin(), all.end());
  std::vector<double> positives, negatives;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto rank = static_cast<double>(std::lower_bound(all.begin(), all.end(), key_of(i)) - all.begin());
    if (questions[i].kind == question_kind::in_scope) positives.push_back(rank);
    if (questions[i].kind == question_kind::unrelated) negatives.push_back(rank);
  }
  return report::auroc(positives, negatives);
}

QUIPU_INLINE std::map<std::string, double> full_set_weights() {
  return {{"neighbor_subj", 10240}, {"same_subj", 7626}};
}

}  // namespace quipu::eren

// What evaluation_scores.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>

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

QUIPU_INLINE std::map<std::string, double> full_set_weights() {
  return {{"neighbor_subj", 10240}, {"same_subj", 7626}};
}

}  // namespace quipu::eren

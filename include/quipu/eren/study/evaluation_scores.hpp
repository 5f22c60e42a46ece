/// @file From what an editor answered to scores: outcomes, totals by edit, bootstrap intervals.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>

namespace quipu::eren {

/// The outcome of a record by a rule of the report.
[[nodiscard]] inline report::edit_outcome outcome_of(const evaluation_question& q, const evaluation_record& r) {
  report::edit_outcome o;
  o.applied = r.applied;
  o.own_note = r.own_note;
  o.right = !r.text.empty() && report::matches_any(r.text, q.accepted);
  o.unchanged = r.applied ? !r.unedited.empty() && report::answers_match(r.text, r.unedited) : r.text == r.unedited;
  return o;
}

/// How many questions the gate left alone, and how many of these got the unedited model's answer byte for byte.
struct untouched_answers {
  std::size_t rejected = 0;
  std::size_t identical = 0;
};

/// @param records  of `evaluation_protocol::run_fallback`
[[nodiscard]] inline untouched_answers count_untouched(std::span<const evaluation_record> records) {
  untouched_answers count;
  for (const evaluation_record& r : records) {
    count.rejected += r.applied ? 0 : 1;
    count.identical += !r.applied && r.text == r.unedited ? 1 : 0;
  }
  return count;
}

/// Scores of some questions, by edit: what bootstrap draws from.
class evaluation_scores {
 public:
  evaluation_scores(std::span<const evaluation_question> questions, std::span<const evaluation_record> records,
                    report::preservation_rule rule = report::preservation_rule::abstained)
      : rule_(rule) {
    if (records.size() > questions.size())
      fail<shape_error>("evaluation_scores: records", concat("at most ", questions.size()), records.size());
    std::map<std::size_t, std::size_t> place;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto at = place.emplace(questions[i].edit, by_edit_.size()).first->second;
      if (at == by_edit_.size()) by_edit_.emplace_back(rule_);
      const report::edit_outcome o = outcome_of(questions[i], records[i]);
      switch (questions[i].kind) {
        case question_kind::in_scope: by_edit_[at].in_scope(o, questions[i].own, questions[i].flips); break;
        case question_kind::unrelated: by_edit_[at].unrelated(questions[i].group, o); break;
        case question_kind::portability: by_edit_[at].portability(questions[i].group, o); break;
      }
    }
  }
  [[nodiscard]] report::edit_scores total() const {
    report::edit_scores sum(rule_);
    for (const report::edit_scores& s : by_edit_) sum += s;
    return sum;
  }
  [[nodiscard]] std::size_t n_edit() const noexcept { return by_edit_.size(); }
  /// Bootstrap interval over edits of `statistic(const edit_scores&)` -> optional<double>.
  template <class Statistic>
  [[nodiscard]] std::optional<report::interval> interval(Statistic&& statistic,
                                                         const report::bootstrap_options& options = {}) const {
    return report::bootstrap_interval(
        by_edit_.size(),
        [&](std::span<const std::size_t> draw) {
          report::edit_scores sum(rule_);
          for (const std::size_t i : draw) sum += by_edit_[i];
          return statistic(sum);
        },
        options);
  }

 private:
  report::preservation_rule rule_;
  std::vector<report::edit_scores> by_edit_;
};

/// The weights by which "EQ all" joins CounterFact-Hard's two groups: their sizes in the full file.
[[nodiscard]] inline std::map<std::string, double> full_set_weights() {
  return {{"neighbor_subj", 10240}, {"same_subj", 7626}};
}

}  // namespace quipu::eren

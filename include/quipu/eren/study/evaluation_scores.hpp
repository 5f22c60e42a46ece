/// @file From what an editor answered to scores: outcomes, totals by edit, bootstrap intervals.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>

namespace quipu::eren {

/// The outcome of a record by a rule of the report.
[[nodiscard]] report::edit_outcome outcome_of(const evaluation_question& q, const evaluation_record& r);

/// How many questions the gate left alone, and how many of these got the unedited model's answer byte for byte.
struct untouched_answers {
  std::size_t rejected = 0;
  std::size_t identical = 0;
};

/// @param records  of `evaluation_protocol::run_fallback`
[[nodiscard]] untouched_answers count_untouched(std::span<const evaluation_record> records);

/// Area under the ROC curve of the questions in scope against the unrelated ones: by probability, by score where that is the
/// same. Questions for which nothing was read rank lowest, below the worst that was.
[[nodiscard]] std::optional<double> auroc_of(std::span<const evaluation_question> questions,
                                             std::span<const evaluation_record> records);

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
[[nodiscard]] std::map<std::string, double> full_set_weights();

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/evaluation_scores.ipp>
#endif

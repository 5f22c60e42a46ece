// What probability_table.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/eren/study/probability_table.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/metrics.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

QUIPU_INLINE forecasts forecasts_of(std::span<const evaluation_question> questions,
                                    std::span<const evaluation_record> records) {
  forecasts all;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (questions[i].kind == question_kind::portability) continue;  // the note answers some of them, no file says which
    const bool in_scope = questions[i].kind == question_kind::in_scope;
    const bool right = in_scope && !records[i].reading.empty() &&
                       report::matches_any(records[i].reading, questions[i].accepted);
    all.probability.push_back(records[i].probability);
    all.in_scope.push_back(in_scope ? 1 : 0);
    all.right.push_back(right ? 1 : 0);
  }
  return all;
}

QUIPU_INLINE report::table probability_table(const forecasts& all, std::size_t n_bin) {
  report::table out({{"probability"}, {"questions", 0}, {"mean"}, {"in scope"}, {"read right"}});
  const auto scope = report::reliability_diagram(all.probability, all.in_scope, n_bin);
  const auto right = report::reliability_diagram(all.probability, all.right, n_bin);
  for (std::size_t b = 0; b < scope.size(); ++b) {
    if (scope[b].n == 0) continue;
    out.add_row({concat(fixed_text(100 * scope[b].low, 0), " to ", fixed_text(100 * scope[b].high, 0)),
                 static_cast<std::int64_t>(scope[b].n), 100 * scope[b].mean_probability, 100 * scope[b].frequency,
                 100 * right[b].frequency});
  }
  return out;
}

}  // namespace quipu::eren

/// @file Does a probability mean what its name says? Bins of it beside what happened.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

/// What an editor forecast for questions in scope and unrelated ones, and what was so.
struct forecasts {
  std::vector<double> probability;
  std::vector<std::uint8_t> in_scope;  ///< a note answers the question
  std::vector<std::uint8_t> right;     ///< and the reading, applied or not, is an accepted answer
};

[[nodiscard]] forecasts forecasts_of(std::span<const evaluation_question> questions,
                                     std::span<const evaluation_record> records);

/// A row for every bin that has questions. Columns: probability, questions, mean probability, share of the questions in
/// scope, share of those read right; in percent.
[[nodiscard]] report::table probability_table(const forecasts& all, std::size_t n_bin = 10);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/probability_table.ipp>
#endif

/// @file What answers cost beside the unedited model's, by stage.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include <quipu/core/compiled.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

/// One row each for questions whose notes were not read, that were read and left alone, and that were answered from a
/// note. Columns: questions, medians of the milliseconds of every stage, of the whole, and of the unedited model's
/// answer, and the median of whole / unedited.
///
/// @param records  of `evaluation_protocol::run_fallback` with a batch of 1; a question that was asked before has no
///                 time of the unedited model and is left out
[[nodiscard]] report::table cost_table(std::span<const evaluation_record> records);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/cost_table.ipp>
#endif

/// @file Evaluations as tables: one row for each editor, with intervals, for Markdown, JSON and SVG.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

/// One row to be.
struct evaluated_editor {
  std::string name;
  std::span<const evaluation_question> questions;
  std::span<const evaluation_record> records;
  report::preservation_rule rule = report::preservation_rule::abstained;
};

/// Columns: questions, ES, BP by group, EQ by group, EQ over all (groups weighted as in the full set) with its
/// bootstrap interval over edits, reliability, generalisation, missed, attribution, AUROC (`auroc_of`),
/// milliseconds a question.
[[nodiscard]] report::table evaluation_table(std::span<const evaluated_editor> editors,
                                             const std::map<std::string, double>& weights = full_set_weights());

/// Share of the questions, by kind, whose score reaches a threshold, over the threshold: where the curve of
/// the questions in scope and those of the others part, a gate can part them.
[[nodiscard]] std::string score_chart(const evaluated_editor& e);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/evaluation_report.ipp>
#endif

/// @file The figures that tables of editing show, each with its interval: EREN's, EasyEdit's, of two hops, of everyday notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_report.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

/// One figure.
struct measure {
  std::string name;
  std::size_t n_question = 0;           ///< that it is taken of
  std::optional<double> value;          ///< percent, if nothing else is said; nothing where there are no questions
  std::optional<report::interval> spread = {};  ///< of 95 % over edits, in the same unit
  int decimals = 1;
};

/// ES, BP and EQ, over all and by group of unrelated questions (EQ over all: groups weighted by `weights`), the AUROC of
/// `auroc_of` (0..1), and the share of wrong notes among those used in scope. If questions have bridges, what stands for
/// ES is "two hops right", beside "bridge given": a question answered from notes by what the first hop leads to.
[[nodiscard]] std::vector<measure> editing_measures(const evaluated_editor& e,
                                                    const std::map<std::string, double>& weights = full_set_weights());

/// The same run under EasyEdit's names: reliability (the edit's own wording), generalisation (others), locality (what must
/// stay) and portability (what follows), the last two by group too. Locality is BP.
[[nodiscard]] std::vector<measure> easyedit_measures(const evaluated_editor& e);

/// Everyday notes: of the questions that notes answer the share answered right, of the others the share answered from a note
/// (false activations), over all, by kind and by language; EQ, AUROC.
/// @param cases  of `data::read_everyday`
[[nodiscard]] std::vector<measure> everyday_measures(const evaluated_editor& e, std::span<const data::edit_case> cases);

/// The figures of one editor on one set.
struct measured_editor {
  std::string set, method;
  std::vector<measure> measures;
};

/// Of editors on sets of the same kind: the mean of each figure that all have. Its interval is the mean of theirs, as if they
/// rose and fell together, which is no narrower than it should be.
[[nodiscard]] measured_editor mean_of(std::string set, std::span<const measured_editor> editors);

/// All figures as numbers, a row each. Columns: set, method, measure, questions, value, low, high.
[[nodiscard]] report::table measure_table(std::span<const measured_editor> editors);

/// For reading: a row for each set and figure, a column for each method, "78.2 (75.0 to 81.1)". Where methods were asked
/// different numbers of questions, all are named.
[[nodiscard]] report::table measure_overview(std::span<const measured_editor> editors);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/evaluation_measures.ipp>
#endif

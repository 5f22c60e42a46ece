/// @file How gates do on kinds of questions that they were not fitted on, and how far a stated damage rate holds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/study/gate_study.hpp>

namespace quipu::eren {

/// Questions that were studied, see `study`.
struct studied_part {
  std::vector<evaluation_question> questions;
  std::vector<studied_question> studied;  ///< as many
};

/// The questions for which `keep(studied)` holds.
template <class Keep>
[[nodiscard]] studied_part part_where(const studied_part& all, Keep&& keep) {
  studied_part some;
  for (std::size_t i = 0; i < all.studied.size(); ++i) {
    if (!keep(all.studied[i])) continue;
    some.questions.push_back(all.questions[i]);
    some.studied.push_back(all.studied[i]);
  }
  return some;
}

/// What is fitted: the features of `study`'s gate, in its order.
struct gate_layout {
  std::vector<std::string> names;
  std::size_t n_cheap = 0;
  std::optional<std::size_t> probe_at = {};
};

/// Fits a gate on a part, by default with the threshold of the best EQ over all its unrelated questions.
/// @throws as `fit_gate`
[[nodiscard]] gate_model fit_on(std::span<const data::edit_case> cases, const studied_part& part,
                                const gate_layout& gate, gate_fit_options options = {});

/// The score of a gate for a question that was studied with its features.
/// @param probe_at  as of the gate
[[nodiscard]] double score_of(const gate_model& m, const studied_question& s,
                              std::optional<std::size_t> probe_at);

/// What a gate does with questions that were studied.
[[nodiscard]] std::vector<evaluation_record> apply_gate(const gate_model& m,
                                                        std::span<const studied_question> studied,
                                                        std::optional<std::size_t> probe_at);

/// What gates do with notes of a kind that they have not met: the questions whose note is in one half are judged by
/// a gate that was fitted, threshold included, on the development questions whose note is in the other half.
///
/// @param half_of  0 or 1 for the note that was read, by its relation for instance
/// @return records of `test` in order
/// @throws as `fit_gate`
[[nodiscard]] std::vector<evaluation_record> records_held_out(
    std::span<const data::edit_case> cases, const studied_part& development, const studied_part& test,
    const std::function<int(notes::note_id)>& half_of, const gate_layout& gate, const gate_fit_options& options = {});

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/held_out.ipp>
#endif

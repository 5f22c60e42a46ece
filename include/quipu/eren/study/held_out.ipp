// What held_out.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/study/held_out.hpp>

namespace quipu::eren {

QUIPU_INLINE gate_model fit_on(std::span<const data::edit_case> cases, const studied_part& part,
                               const gate_layout& gate, gate_fit_options options) {
  if (!options.quality && !options.damage) options.quality = quality_of(part.questions, part.studied);
  return fit_gate(samples_of(cases, part.questions, part.studied), gate.names, gate.n_cheap, gate.probe_at, options)
      .model;
}

QUIPU_INLINE double score_of(const gate_model& m, const studied_question& s,
                             std::optional<std::size_t> probe_at) {
  std::vector<double> features = s.features;
  if (probe_at && m.probe)
    features.at(*probe_at) = m.probe->score(std::vector<double>(s.hidden.begin(), s.hidden.end()));
  return m.stack.score(features);
}

QUIPU_INLINE std::vector<evaluation_record> apply_gate(const gate_model& m,
                                                       std::span<const studied_question> studied,
                                                       std::optional<std::size_t> probe_at) {
  std::vector<double> scores;
  for (const studied_question& s : studied) {
    if (s.found) scores.push_back(score_of(m, s, probe_at));
  }
  return records_of(studied, scores, m.threshold);
}

QUIPU_INLINE std::vector<evaluation_record> records_held_out(
    std::span<const data::edit_case> cases, const studied_part& development, const studied_part& test,
    const std::function<int(notes::note_id)>& half_of, const gate_layout& gate, const gate_fit_options& options) {
  std::array<gate_model, 2> judge;  // of the notes in half 0, in half 1
  for (const int half : {0, 1}) {
    judge[static_cast<std::size_t>(half)] = fit_on(
        cases, part_where(development, [&](const studied_question& s) { return s.found && half_of(s.note) != half; }),
        gate, options);
  }
  std::vector<evaluation_record> records;
  for (const studied_question& s : test.studied) {
    const gate_model& m = judge[s.found ? static_cast<std::size_t>(half_of(s.note)) : 0];
    records.push_back(apply_gate(m, {&s, 1}, gate.probe_at).front());
  }
  return records;
}

}  // namespace quipu::eren

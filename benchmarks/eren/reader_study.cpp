// Gates of readers with an adapter on one reading of a part: thresholds from the edits held back in training.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/statistics/calibration.hpp>

#include "candidate_gate.hpp"
#include "studies.hpp"
#include "taught_readers.hpp"

namespace {

/// Reads the questions once and shows every gate on them. With `--fit` these are the edits held back, and the last of
/// the candidates (the better of the joined ones) goes to `--gate`.
template <class Gate>
int study_gates_of_reader(const model_t& m, const settings& s, study_set set, const Gate& gate) {
  bench<q::eren::taught_reader<>, Gate> b(m, s, set, taught_reader(m, s), gate);
  const std::vector<std::string> names = gate.names();
  const auto studied =
      q::eren::study(b.editor, set.questions, b.ids, options_of(s, names.size() > 1 ? "joined" : "reader"));
  std::list<candidate_gate> candidates;
  candidates.emplace_back("margin, threshold 0", q::eren::gate_of_feature("margin"), studied, names);
  if (!s.fit) {
    for (const std::string& path : s.gates)
      candidates.emplace_back(path, q::eren::load_gate(path, q::eren::gate_workshop(b.editor).keys()), studied, names);
    show_candidates(candidates, set, s);
    return 0;
  }
  const q::eren::gate_quality quality = q::eren::quality_of(set.questions, studied);
  const auto samples = q::eren::samples_of(set.cases, set.questions, studied);
  std::vector<std::uint8_t> labels;
  for (const auto& sample : samples) labels.push_back(sample.positive ? 1 : 0);
  const auto add = [&](const char* name, q::eren::gate_model model) -> candidate_gate& {
    candidate_gate& c = candidates.emplace_back(name, std::move(model), studied, names);
    c.model.threshold = q::statistics::best_threshold(c.scores, [&](double t) { return quality(t, c.scores); });
    c.model.probability = q::statistics::fit_platt(c.scores, labels);
    c.score(studied);
    return c;
  };
  const candidate_gate* best = &add("margin", q::eren::gate_of_feature(names.front()));
  if (names.size() > 1) {
    add("second reading", q::eren::gate_of_feature(names.back()));
    const candidate_gate& sum = add("joined, sum", q::eren::sum_of_features(samples, names));
    const q::eren::gate_fit fit = q::eren::fit_gate(samples, names, 0, {}, {.quality = quality});
    candidate_gate& fitted = candidates.emplace_back("joined, fitted, out of fold", fit.model, studied, names);
    fitted.scores = fit.scores;
    fitted.score(studied);
    best = quality(fitted.model.threshold, fitted.scores) > quality(sum.model.threshold, sum.scores) ? &fitted : &sum;
  }
  show_candidates(candidates, set, s);
  for (const candidate_gate& c : candidates) std::cout << c.name << ": threshold " << c.model.threshold << '\n';
  if (!s.gate().empty()) {
    q::eren::save_gate(s.gate(), best->model, q::eren::gate_workshop(b.editor).keys());
    std::cout << s.gate() << ": " << best->name << '\n';
  }
  return 0;
}

}  // namespace

int study_reader(const model_t& m, const settings& s, study_set set) {
  if (s.second.empty()) return study_gates_of_reader(m, s, std::move(set), margin_only());
  if (s.probe)
    return study_gates_of_reader(m, s, std::move(set), joined(m, s, probed_gate({}, {}, q::eren::probe{s.depth})));
  return study_gates_of_reader(m, s, std::move(set), joined(m, s, q::eren::default_gate()));
}

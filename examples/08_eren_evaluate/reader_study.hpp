/// @file Many gates on one reading of a part. Readers with an adapter: thresholds from the edits held back in training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iostream>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate_study.hpp>
#include <quipu/eren/module_adapter.hpp>
#include <quipu/eren/reader_examples.hpp>
#include <quipu/eren/second_reading.hpp>

#include "bench.hpp"

using margin_only = q::eren::fitted_gate<q::eren::answer_margin>;
template <class Gate>
using joined_gate =
    q::eren::fitted_gate<q::eren::answer_margin, q::eren::second_reading<q::eren::extractive_reader, Gate>>;

template <class Model>
q::eren::taught_reader<> taught_reader(const Model& m, const settings& s) {
  if (s.reader.empty()) q::fail<q::config_error>("--reader", "a PEFT folder, see 09_train_reader", "none");
  return q::eren::taught_reader<>({}, {}, q::eren::load_adapter(s.reader, m));
}

/// A gate that asks the frozen model too, by the gate of `--second`.
template <class Gate, class Model>
joined_gate<Gate> joined(const Model& m, const settings& s, Gate gate) {
  const q::eren::extractive_reader reader;
  const auto form = q::eren::prompt_form::of(m.tokenizer());
  gate.set_model(q::eren::load_gate(s.second, {q::eren::key_of_model(m), q::eren::key_of_tokenizer(m.tokenizer()),
                                               q::eren::key_of_prompt(m.tokenizer(), form, reader.identity())}));
  return joined_gate<Gate>(q::eren::answer_margin(), q::eren::second_reading(reader, std::move(gate)));
}

// A gate on some columns of what was studied.
struct candidate_gate {
  std::string name;
  q::eren::gate_model model;
  std::vector<double> scores;
  records_t records;

  candidate_gate(std::string title, q::eren::gate_model m, const std::vector<q::eren::studied_question>& studied,
                 const std::vector<std::string>& names)
      : name(std::move(title)), model(std::move(m)) {
    std::vector<std::size_t> columns;
    for (const std::string& wanted : model.names) {
      const auto at = std::find(names.begin(), names.end(), wanted);
      if (at == names.end()) q::fail<q::config_error>(name, "features that are studied (--second?)", wanted);
      columns.push_back(static_cast<std::size_t>(at - names.begin()));
    }
    for (const auto& question : studied) {
      if (!question.found) continue;
      std::vector<double> x;
      for (const std::size_t c : columns) x.push_back(question.features.at(c));
      scores.push_back(model.stack.score(x));
    }
    score(studied);
  }
  void score(const std::vector<q::eren::studied_question>& studied) {
    records = q::eren::records_of(studied, scores, model.threshold);
  }
};

template <class Candidates>
void show_candidates(const Candidates& candidates, const study_set& set, const settings& s) {
  std::vector<q::eren::evaluated_editor> rows;
  for (const candidate_gate& c : candidates) rows.push_back({c.name, set.questions, c.records});
  show(rows, s);
}

/// Reads the questions once with the frozen model and shows the built-in gate and all of `--gate` on them.
template <class Model>
int study_frozen(const Model& m, const settings& s, const study_set& set) {
  bench<Model, q::eren::extractive_reader, q::eren::default_gate> b(m, s, set, {}, {});
  const auto studied = q::eren::study(b.editor, set.questions, b.ids, options_of(s, "frozen"));
  const std::vector<std::string> names = b.editor.gate().names();
  std::list<candidate_gate> candidates;
  candidates.emplace_back("built-in gate", q::eren::frozen_gate_model(), studied, names);
  for (const std::string& path : s.gates)
    candidates.emplace_back(path, q::eren::load_gate(path, b.editor.keys()), studied, names);
  show_candidates(candidates, set, s);
  return 0;
}

/// Reads the questions once and shows every gate on them. With `--fit` these are the edits held back, and the last of
/// the candidates (the better of the joined ones) goes to `--gate`.
template <class Model, class Gate>
int study_reader(const Model& m, const settings& s, study_set set, const Gate& gate) {
  bench<Model, q::eren::taught_reader<>, Gate> b(m, s, set, taught_reader(m, s), gate);
  const std::vector<std::string> names = gate.names();
  const auto studied =
      q::eren::study(b.editor, set.questions, b.ids, options_of(s, names.size() > 1 ? "joined" : "reader"));
  std::list<candidate_gate> candidates;
  candidates.emplace_back("margin, threshold 0", q::eren::gate_of_feature("margin"), studied, names);
  if (!s.fit) {
    for (const std::string& path : s.gates)
      candidates.emplace_back(path, q::eren::load_gate(path, b.editor.keys()), studied, names);
    show_candidates(candidates, set, s);
    return 0;
  }
  const q::eren::gate_quality quality = q::eren::quality_of(set.questions, studied);
  const auto samples = q::eren::samples_of(set.cases, set.questions, studied);
  std::vector<std::uint8_t> labels;
  for (const auto& sample : samples) labels.push_back(sample.positive ? 1 : 0);
  const auto add = [&](const char* name, q::eren::gate_model model) -> candidate_gate& {
    candidate_gate& c = candidates.emplace_back(name, std::move(model), studied, names);
    c.model.threshold = q::eren::best_threshold(c.scores, [&](double t) { return quality(t, c.scores); });
    c.model.probability = q::eren::fit_platt(c.scores, labels);
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
    q::eren::save_gate(s.gate(), best->model, b.editor.keys());
    std::cout << s.gate() << ": " << best->name << '\n';
  }
  return 0;
}

template <class Model>
int study_reader(const Model& m, const settings& s, study_set set) {
  if (s.second.empty()) return study_reader(m, s, std::move(set), margin_only());
  if (s.probe) return study_reader(m, s, std::move(set), joined(m, s, probed_gate({}, {}, q::eren::probe{s.depth})));
  return study_reader(m, s, std::move(set), joined(m, s, q::eren::default_gate()));
}

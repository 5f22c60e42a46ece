// Fits gates and thresholds on the development part.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/study/evaluation_report.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/statistics/calibration.hpp>

#include "gate_header.hpp"
#include "studies.hpp"

namespace {

// Reads the development part once, fits a gate on it out of fold, keeps it in a file.
template <class Gate>
int fit_with(const model_t& m, const settings& s, study_set set, Gate gate) {
  bench<q::eren::extractive_reader, Gate> b(m, s, set, {}, std::move(gate));
  auto studied = q::eren::study(b.editor, set.questions, b.ids, options_of(s, s.probe ? "probe" : "words"));
  if (s.held_out) {  // what readers were not trained on is for joining them with this gate
    std::vector<q::eren::evaluation_question> questions;
    std::vector<q::eren::studied_question> rest;
    for (std::size_t i = 0; i < studied.size(); ++i) {
      if (q::eren::held_back(set.cases[set.questions[i].edit].id)) continue;
      questions.push_back(std::move(set.questions[i]));
      rest.push_back(std::move(studied[i]));
    }
    set.questions = std::move(questions);
    studied = std::move(rest);
  }
  const auto samples = q::eren::samples_of(set.cases, set.questions, studied);
  q::eren::gate_fit_options options;
  auto weights = q::eren::full_set_weights();
  if (s.judge != "all") {
    for (auto& [group, weight] : weights) weight = group == s.judge ? 1 : 1e-9;
  }
  options.quality = q::eren::quality_of(set.questions, studied, weights);
  if (s.damage > 0) options.damage = s.damage;
  const auto& g = b.editor.gate();
  const q::eren::gate_fit result = q::eren::fit_gate(samples, g.names(), g.n_cheap(), g.probe_at(), options);
  const records_t records = q::eren::records_of(studied, result.scores, result.model.threshold);
  const q::eren::evaluated_editor row{"development part, out of fold", set.questions, records};
  const std::string table = q::eren::evaluation_table({&row, 1}).markdown();
  std::cout << table;
  if (!s.gate().empty()) q::eren::save_gate(s.gate(), result.model, q::eren::gate_workshop(b.editor).keys());
  if (!s.header.empty()) q::io::write_text(s.header, gate_header(result.model, table));
  return 0;
}

/// The threshold of the method 'similarity' that has the best EQ over all questions of the development part.
int fit_similarity(const model_t& m, const settings& s, const study_set& set) {
  bench<q::eren::extractive_reader, q::eren::similarity_gate> b(m, s, set, {}, {.threshold = 0});
  records_t records = q::eren::evaluate(b.editor, set.questions, b.ids, options_of(s, "similarity"));
  std::vector<double> scores;
  std::vector<std::string> texts;
  for (const auto& r : records) {
    scores.push_back(r.score);
    texts.push_back(r.text);
  }
  const auto apply = [&](double threshold) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].applied = !texts[i].empty() && scores[i] >= threshold;
      records[i].text = records[i].applied ? texts[i] : std::string();
    }
  };
  const double best = q::statistics::best_threshold(scores, [&](double threshold) {
    apply(threshold);
    return q::eren::evaluation_scores(set.questions, records).total().quality(q::eren::full_set_weights()).value_or(0);
  });
  apply(best);
  show({{q::concat("similarity, threshold ", best), set.questions, records}}, s);
  return 0;
}

}  // namespace

int fit(const settings& s) {
  const model_t m = open_model(s);
  study_set set = open_set(s);
  choose_questions(s, set);
  if (s.set == "fever" || s.set == "hotpot") return study_set_gates(m, s, set);
  if (!s.reader.empty()) return study_reader(m, s, std::move(set));
  if (s.methods.front() == "similarity") return fit_similarity(m, s, set);
  if (s.probe) return fit_with(m, s, std::move(set), probed_gate({}, {}, q::eren::probe{s.depth}));
  return fit_with(m, s, std::move(set), q::eren::default_gate());
}

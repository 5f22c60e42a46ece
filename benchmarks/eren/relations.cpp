// One reading of both parts, and what it tells about gates: relations never seen, stated damage rates.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/model_features.hpp>
#include <quipu/eren/study/held_out.hpp>
#include <quipu/eren/study/relation_groups.hpp>

#include "bench.hpp"

namespace {

using passes_gate = q::eren::fitted_gate<q::eren::lexical, q::eren::read_log_probs, q::eren::question_likelihood,
                                         q::eren::note_likelihood>;

/// Fits on the development part, judges the test part: as usual, with half of the relations held out, and by
/// conformal thresholds for stated damage rates.
template <class Gate>
int study_gates(const model_t& m, const settings& s, study_set set, const std::string& name, Gate gate) {
  q::eren::question_choice choice;
  choice.part = q::data::data_part::development;
  q::eren::studied_part development{q::eren::evaluation_questions(set.cases, choice), {}}, test{set.questions, {}};
  settings on_development = s;
  on_development.part = "development";
  on_development.n_edit = 0;
  bench<q::eren::extractive_reader, Gate> b(m, s, set, {}, std::move(gate));
  development.studied = q::eren::study(b.editor, development.questions, b.ids, options_of(on_development, name));
  test.studied = q::eren::study(b.editor, test.questions, b.ids, options_of(s, name + ".test"));
  const q::eren::gate_layout layout{b.editor.gate().names(), b.editor.gate().n_cheap(), b.editor.gate().probe_at()};

  std::map<q::notes::note_id, int> halves;
  const q::eren::relation_groups relation;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    for (std::size_t n = 0; n < b.ids[i].size(); ++n)
      halves[b.ids[i][n]] = q::eren::relation_groups::half_of(relation(set.cases[i].notes[n]));
  }
  const auto half_of = [&](q::notes::note_id note) { return halves.at(note); };
  const q::eren::gate_model usual = q::eren::fit_on(set.cases, development, layout);
  std::vector<table_row> rows;
  const records_t seen = q::eren::apply_gate(usual, test.studied, layout.probe_at);
  const records_t unseen = q::eren::records_held_out(set.cases, development, test, half_of, layout);
  rows.push_back({name + ", all relations seen", test.questions, seen});
  rows.push_back({name + ", relation held out", test.questions, unseen});
  show(rows, s);
  for (const double rate : {0.01, 0.02, 0.05, 0.1}) {
    const q::eren::gate_model conformal = q::eren::fit_on(set.cases, development, layout, {.damage = rate});
    const records_t records = q::eren::apply_gate(conformal, test.studied, layout.probe_at);
    const auto scores = q::eren::evaluation_scores(test.questions, records).total();
    std::cout << "damage stated " << 100 * rate << " %: " << 100 * scores.overridden().rate().value_or(0) << " % of "
              << scores.overridden().trials << " unrelated test questions overridden; ES "
              << 100 * scores.success().rate().value_or(0) << '\n';
  }
  return 0;
}

}  // namespace

int relations(const settings& s) {
  const model_t m = open_model(s);
  study_set set = open_set(s);
  choose_questions(s, set);
  if (s.passes) return study_gates(m, s, std::move(set), "passes", passes_gate());
  if (s.probe) return study_gates(m, s, std::move(set), "probe", probed_gate({}, {}, q::eren::probe{s.depth}));
  return study_gates(m, s, std::move(set), "words", q::eren::default_gate());
}

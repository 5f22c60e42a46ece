// Many gates on one reading of the questions.
// SPDX-License-Identifier: Apache-2.0
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate.hpp>

#include "candidate_gate.hpp"
#include "studies.hpp"

namespace {

/// Reads the questions once with the frozen model and shows the built-in gate and all of `--gate` on them.
int study_frozen(const model_t& m, const settings& s, const study_set& set) {
  bench<q::eren::extractive_reader, q::eren::default_gate> b(m, s, set, {}, {});
  const auto studied = q::eren::study(b.editor, set.questions, b.ids, options_of(s, "frozen"));
  const std::vector<std::string> names = b.editor.gate().names();
  std::list<candidate_gate> candidates;
  candidates.emplace_back("built-in gate", q::eren::frozen_gate_model(), studied, names);
  for (const std::string& path : s.gates)
    candidates.emplace_back(path, q::eren::load_gate(path, q::eren::gate_workshop(b.editor).keys()), studied, names);
  show_candidates(candidates, set, s);
  return 0;
}

}  // namespace

int study(const settings& s) {
  const model_t m = open_model(s);
  study_set set = open_set(s);
  choose_questions(s, set);
  if (s.set == "fever" || s.set == "hotpot") return study_set_gates(m, s, set);
  if (!s.reader.empty()) return study_reader(m, s, std::move(set));
  return study_frozen(m, s, set);
}

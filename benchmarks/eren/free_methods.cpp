// Readers with an adapter: joined with the frozen model, and writing freely.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <quipu/eren/gate/default_gate.hpp>

#include "taught_readers.hpp"

std::optional<records_t> free_methods(const model_t& m, const settings& s, const study_set& set,
                                      const std::string& name) {
  if (name == "joined" && s.probe)
    return measure(m, s, set, name, taught_reader(m, s), joined(m, s, probed_gate({}, {}, q::eren::probe{s.depth})));
  if (name == "joined") return measure(m, s, set, name, taught_reader(m, s), joined(m, s, q::eren::default_gate()));
  const auto free_reader = [&](bool must_answer) {
    return q::eren::taught_generating_reader<>({.must_answer = must_answer}, {}, taught_reader(m, s).adapter());
  };
  if (name == "free") return measure(m, s, set, name, free_reader(false), q::eren::abstention_gate());
  if (name == "free-always") return measure(m, s, set, name, free_reader(true), q::eren::open_gate());
  return {};
}

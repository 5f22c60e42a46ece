// Our reader under several gates.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/reading/option_reader.hpp>

std::optional<records_t> gated_methods(const model_t& m, const settings& s, const study_set& set,
                                       const std::string& name) {
  using q::eren::extractive_reader;
  if (name == "eren" && s.set == "fever")
    return measure(m, s, set, name, q::eren::option_reader(), q::eren::abstention_gate());
  if (name == "eren" && s.probe)
    return measure(m, s, set, name, extractive_reader(), probed_gate({}, {}, q::eren::probe{s.depth}));
  if (name == "eren") return measure(m, s, set, name, extractive_reader(), q::eren::default_gate());
  if (name == "always") return measure(m, s, set, name, extractive_reader(), q::eren::open_gate());
  if (name == "similarity")
    return measure(m, s, set, name, extractive_reader(), q::eren::similarity_gate{.threshold = s.threshold});
  return {};
}

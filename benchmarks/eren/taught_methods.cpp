// Readers with an adapter, each as the set wants it.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <quipu/eren/gate/default_gate.hpp>

#include "taught_readers.hpp"

std::optional<records_t> taught_methods(const model_t& m, const settings& s, const study_set& set,
                                        const std::string& name) {
  if (name == "reader" && s.set == "fever") {
    return s.gates.empty() ? measure(m, s, set, name, taught_claims(m, s), q::eren::margin_gate())
                           : measure(m, s, set, name, taught_claims(m, s), margin_only());
  }
  if (name == "reader" && s.set == "hotpot") {
    return s.gates.empty() ? measure<two_hops>(m, s, set, name, taught_joint(m, s), q::eren::margin_gate())
                           : measure<two_hops>(m, s, set, name, taught_joint(m, s), margin_only());
  }
  if (name == "reader" && s.gates.empty()) return measure(m, s, set, name, taught_reader(m, s), q::eren::margin_gate());
  if (name == "reader") return measure(m, s, set, name, taught_reader(m, s), margin_only());
  return {};
}

/// @file The methods that `compare` knows, in groups that compile apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <quipu/eren/gate_workshop.hpp>

#include "bench.hpp"

/// Records of a method; none if the group does not have it.
using method_group = std::optional<records_t>(const model_t& m, const settings& s, const study_set& set,
                                              const std::string& name);
method_group gated_methods, paper_methods, other_methods, tuned_methods, taught_methods, free_methods,
    stack_methods;

/// @throws config_error  no group has the method
[[nodiscard]] records_t run_method(const model_t& m, const settings& s, const study_set& set, const std::string& name);
/// What reads and what judges in the method 'stack'.
[[nodiscard]] std::string basis_of_stack(const model_t& m, const settings& s);

template <class Retriever = q::notes::bm25_retriever, class Reader, class Gate>
records_t measure(const model_t& m, const settings& s, const study_set& set, const std::string& name, Reader reader,
                  Gate gate) {
  bench<Reader, Gate, Retriever> b(m, s, set, std::move(reader), std::move(gate));
  if constexpr (requires { b.editor.gate().set_model(q::eren::gate_model{}); }) {
    if (!s.gate().empty()) b.editor.load_gate(s.gate());
  }
  return q::eren::evaluate(b.editor, set.questions, b.ids, options_of(s, name));
}

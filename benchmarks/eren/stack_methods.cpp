// The default stack, as an application gets it that names nothing but model and store.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <string>

#include <quipu/core/error.hpp>

std::optional<records_t> stack_methods(const model_t& m, const settings& s, const study_set& set,
                                       const std::string& name) {
  if (name != "stack") return {};
  default_bench b(m, s, set);
  if (!s.gate().empty()) b.editor.load_gate(s.gate());
  auto options = options_of(s, name);
  // Another reader or gate may come to lie in the same folder.
  const auto& gate = b.editor.gate().model();
  options.fingerprint += q::concat(" ", b.editor.reader().identity(), " ", gate.threshold, " ", gate.stack.bias);
  return q::eren::evaluate(b.editor, set.questions, b.ids, options);
}

std::string basis_of_stack(const model_t& m, const settings& s) {
  const q::eren::editor<model_t, q::notes::memory_store> editor(m, q::notes::memory_store(), editor_options_of(m, s));
  return q::concat("read by ", editor.reader().basis(), "; judged by ",
                   s.gate().empty() ? editor.gate().basis() : s.gate());
}

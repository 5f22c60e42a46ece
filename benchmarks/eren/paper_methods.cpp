// The readers of the paper, and their wordings for chat models.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <quipu/eren/reading/generating_reader.hpp>

std::optional<records_t> paper_methods(const model_t& m, const settings& s, const study_set& set,
                                       const std::string& name) {
  if (name == "two-step") return measure(m, s, set, name, q::eren::two_step_reader(), q::eren::abstention_gate());
  if (name == "two-step-chat")
    return measure(m, s, set, name, q::eren::two_step_chat_reader(), q::eren::abstention_gate());
  // Plain prompting: the notes that are found stand in the prompt, and what the model makes of them is the answer.
  if (name == "one-step" || name == "plain") return measure(m, s, set, name, q::eren::one_step_chat_reader(), q::eren::open_gate());
  return {};
}

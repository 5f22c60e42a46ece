/// @file The gate that works out of the box with the default reader: words and log-probabilities, weighed
/// as they were fitted once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <quipu/eren/gate/default_gate_weights.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/gate/gate_features.hpp>

namespace quipu::eren {

/// Lexical features and the log-probabilities of the reading: one short prompt a note, no more.
///
/// Its weights come with the library. They were fitted on the development part of CounterFact-Hard with
/// SmolLM2-135M-Instruct (`default_gate_origin` has the command and the figures), so with another model they
/// are a start: `editor::calibrate` fits the threshold to it with a few dozen questions, `editor::fit` all.
class default_gate : public fitted_gate<lexical, read_log_probs> {
 public:
  default_gate() : default_gate(frozen_gate_model()) {}
  explicit default_gate(gate_model model) { set_model(std::move(model)); }
};

}  // namespace quipu::eren

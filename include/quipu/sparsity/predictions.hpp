/// @file How well a predictor does on a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/token.hpp>
#include <quipu/ffn/predictor.hpp>
#include <quipu/linear/column_norms.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/sparsity/layer_record.hpp>
#include <quipu/sparsity/neuron_mask.hpp>
#include <quipu/sparsity/prediction_meter.hpp>

namespace quipu::sparsity {

/// Predicted and active neurons of a text, inputs being those of the dense model.
/// @param m  a model whose kernel is a `predicted_sparse`; active is what its activation and thresholds leave
/// @return (n_layer)
template <class Policies>
[[nodiscard]] std::vector<prediction_meter> predictions_by_layer(const llama::basic_model<Policies>& m, std::span<const token_id> text,
                                                                 const record_options& options = {}) {
  const auto& kernel = m.ffn();
  linear::workspace ws(options.team);
  std::vector<prediction_meter> meters;
  std::vector<std::uint32_t> ids;
  for_each_layer(m, text, options, [&](const layer_record& r) {
    const auto& state = m.ffn_state_of(r.layer);
    const std::vector<float> norms = linear::column_norms(r.weights->down);
    std::vector<float> energy(norms.size());
    prediction_meter& meter = meters.emplace_back();
    for (std::size_t t = 0; t < r.x.rows(); ++t) {
      kernel.predictor.predict(state.predictor, ws, r.x.row(t), ids);
      neuron_mask predicted(norms.size());
      for (const std::uint32_t i : ids) predicted.set(i);
      for (std::size_t i = 0; i < energy.size(); ++i) {
        const float length = kernel.activation(r.gate(t, i)) * activation::up_of(kernel.activation, r.up(t, i)) * norms[i];
        energy[i] = length * length;
      }
      meter.add(predicted, neuron_mask::where(energy.size(), [&](std::size_t i) { return !state.limits.skips(i, r.gate(t, i)); }), energy);
    }
  });
  return meters;
}

/// The same of all layers together.
template <class Policies>
[[nodiscard]] prediction_meter measured_predictions(const llama::basic_model<Policies>& m, std::span<const token_id> text, const record_options& options = {}) {
  prediction_meter all;
  for (const prediction_meter& one : predictions_by_layer(m, text, options)) all.add(one);
  return all;
}

}  // namespace quipu::sparsity

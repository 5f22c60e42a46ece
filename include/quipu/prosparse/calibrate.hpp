/// @file Thresholds, a predictor and the kernel of each layer of a ReLU model, in one call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/prosparse/calibrated.hpp>
#include <quipu/sparsity/low_rank_fit.hpp>
#include <quipu/sparsity/predictions.hpp>
#include <quipu/sparsity/search.hpp>
#include <quipu/sparsity/searches.hpp>

namespace quipu::prosparse {

struct calibrate_options {
  bool predictor = true;
  std::size_t rank = 0;   ///< of the predictor; 0: an eighth of d_model, at least 1
  double recall = 0.99;   ///< that it is calibrated for
  /// Tokens that costs are measured on; empty: the last quarter of the text, which then is not calibrated with.
  std::span<const token_id> cost_text = {};
  sparsity::record_options record = {};
};

/// An activation whose f(gate) is the gate where it is active, so that levels of f(gate) are thresholds of gates.
template <class A>
concept gate_passing_activation = std::same_as<A, activation::fat_relu> || std::derived_from<A, activation::relu>;

/// Calibrates a sparse model: a search finds thresholds of gates, a predictor of low rank is fitted to what they leave active, and the
/// share of active neurons says which kernel pays in which layer.
///
///     const auto found = prosparse::calibrate(model, text);
///     const auto fast = llama::with_ffn(model, found.kernel(activation::fat_relu{}));
///
/// @param m       a model in float with relu, fat_relu or drelu
/// @param text    in windows that do not know of each other
/// @param search  models `sparsity::threshold_search`, on the gate alone
/// @throws config_error  a text that is too short, a rank above d_model; thresholds that make every neuron of a layer dead; as the search
template <class Search = sparsity::fatrelu_scan, class Policies>
[[nodiscard]] calibrated calibrate(const llama::basic_model<Policies>& m, std::span<const token_id> text, const Search& search = {},
                                   const calibrate_options& options = {}) {
  using activation_type = typename llama::basic_model<Policies>::ffn_type::activation_type;
  static_assert(gate_passing_activation<activation_type>,
                "calibrate: the model's activation must be relu, fat_relu or drelu (of models with others sparsity::search finds levels)");
  static_assert(Search::first_criterion::value == ffn::criterion_value::gate && Search::second_criterion::value == ffn::criterion_value::none,
                "calibrate: the search must be for thresholds of gates alone");
  const auto& c = m.config();
  std::span<const token_id> cost_text = options.cost_text;
  if (cost_text.empty()) {
    cost_text = text.last(text.size() / 4);
    text = text.first(text.size() - cost_text.size());
  }
  if (text.size() < 2 || cost_text.size() < 2) fail<config_error>("calibrate: text", "at least 8 tokens", text.size() + cost_text.size());
  calibrated out;
  out.n_token = text.size(), out.n_cost_token = cost_text.size();
  out.shape = model_shape::of(c);
  sparsity::record_options record = options.record;
  record.window = std::min(record.window, c.n_ctx);
  const activation_type f = m.ffn().activation;

  const auto found = sparsity::search(m, text, search, {.record = record, .cost_text = cost_text});
  out.thresholds = found.gate_thresholds();
  out.dense_perplexity = found.dense_perplexity;
  out.perplexity = found.cost.perplexity;
  for (const sparsity::layer_shares& shares : found.cost.layers) {
    layer_calibration& l = out.layers.emplace_back();
    l.active = shares.first;
    l.kernel = exact_kernels<activation_type>::kernel_for(l.active);
  }
  if (!options.predictor) return out;

  out.rank = options.rank == 0 ? std::max<std::size_t>(1, c.d_model / 8) : options.rank;
  out.recall = options.recall;
  out.predictor = sparsity::fit_low_rank(m, text, {.rank = out.rank, .recall = out.recall, .thresholds = out.thresholds, .record = record});
  const auto predicting = llama::with_ffn(m, out.predicted_kernel(f), {.team = record.team});
  const auto meters = sparsity::predictions_by_layer(predicting, cost_text, record);
  for (std::size_t i = 0; i < meters.size(); ++i) {
    out.layers[i].predicted = 1 - meters[i].predicted_sparsity();
    // A text may leave a layer without an active neuron, of which nothing can be missed.
    const bool any = meters[i].sparsity() < 1;
    out.layers[i].recall = any ? meters[i].recall() : 1;
    out.layers[i].energy_recall = any ? meters[i].energy_recall() : 1;
  }
  return out;
}

}  // namespace quipu::prosparse

/// @file Hidden states of a layer, for encoders, probes and tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/llama/forward.hpp>  // rms_norm_rows
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/session.hpp>

namespace quipu::llama {

/// Hooks that copy the residual stream behind one block, row after row of the batch.
template <class Scalar>
class hidden_tap : public no_hooks {
 public:
  /// @param layer  block index, 0 .. n_layer - 1
  explicit hidden_tap(std::size_t layer) : layer_(layer) {}

  void block_output(std::size_t layer, std::span<const row_segment>, matrix_view<const Scalar> x) {
    if (layer != layer_) return;
    for (std::size_t t = 0; t < x.rows(); ++t) rows_.insert(rows_.end(), x.row(t), x.row(t) + x.cols());
    d_model_ = x.cols();
  }
  /// (rows seen so far, d_model)
  [[nodiscard]] matrix_view<Scalar> rows() noexcept {
    return {rows_.data(), d_model_ == 0 ? 0 : rows_.size() / d_model_, d_model_};
  }

 private:
  std::size_t layer_;
  std::size_t d_model_ = 0;
  std::vector<Scalar> rows_;
};

/// Continues a sequence and returns the hidden states of the new rows.
///
/// @param depth  number of blocks passed: 1 .. n_layer is the residual stream behind block depth - 1;
///               n_layer + 1 is the last one after the final norm, what the head reads
/// @return (tokens.size() * d_model) row by row
/// @throws config_error  a depth outside 1 .. n_layer + 1, or as `session::run`
template <class Model>
[[nodiscard]] std::vector<typename Model::scalar_type> hidden_states(session<Model>& s, sequence_id sequence,
                                                                     std::span<const token_id> tokens,
                                                                     std::size_t depth) {
  using scalar = typename Model::scalar_type;
  const auto& c = s.model().config();
  if (depth < 1 || depth > c.n_layer + 1) {
    fail<config_error>("hidden_states: depth", concat("1 .. ", c.n_layer + 1), depth);
  }
  hidden_tap<scalar> tap(depth > c.n_layer ? c.n_layer - 1 : depth - 1);
  const sequence_input<scalar> in{sequence, tokens, {}, logits_of::none};
  s.run({&in, 1}, [](std::size_t, std::size_t, std::span<const scalar>) {}, tap);
  const auto rows = tap.rows();
  std::vector<scalar> out(rows.data(), rows.data() + rows.rows() * rows.cols());
  if (depth > c.n_layer) {
    rms_norm_rows<scalar>(s.workspace(), rows, s.model().weights().final_norm, c.rms_norm_eps,
                          {out.data(), rows.rows(), rows.cols()});
  }
  return out;
}

}  // namespace quipu::llama

/// @file Hidden states of a text, for encoders, probes and tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/llama/forward.hpp>  // rms_norm_rows
#include <quipu/llama/hidden_tap.hpp>
#include <quipu/llama/session.hpp>

namespace quipu::llama {

/// Continues a sequence and returns the hidden states of the new rows.
///
/// @param depth  number of blocks passed: 1 .. n_layer is the residual stream after block depth - 1;
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
  s.run(
      {&in, 1}, [](std::size_t, std::size_t, std::span<const scalar>) {}, tap);
  const auto rows = tap.rows();
  std::vector<scalar> out(rows.data(), rows.data() + rows.rows() * rows.cols());
  if (depth > c.n_layer) {
    rms_norm_rows<scalar>(s.workspace(), rows, s.model().weights().final_norm, c.rms_norm_eps,
                          {out.data(), rows.rows(), rows.cols()});
  }
  return out;
}

}  // namespace quipu::llama

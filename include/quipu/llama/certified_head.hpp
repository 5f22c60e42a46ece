/// @file The output layer for greedy decoding: the best token, proven from half of the weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <quipu/core/matrix_view.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/linear/certified_argmax.hpp>
#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::llama {

/// How a `certified_head` is made.
struct certified_head_options {
  double delta = 1e-12;                            ///< probability that one bound does not hold
  std::uint64_t dither_seed = 0x51ed270b7a1f39c5;
  linear::activation_bits bits = linear::activation_bits::sixteen;
};

/// The head of a model in whole numbers, in two planes of four bits: see `linear::certified_argmax`. For `session::next_token`, which
/// gives no logits. Copies share it; one serves any number of sessions.
///
///     const llama::certified_head head(model);
///     token_id next = session.next_token(sequence, tokens, head);
class certified_head {
 public:
  /// @throws config_error  a delta that is not between 0 and 1; weights that are not finite
  template <class Model>
  explicit certified_head(const Model& m, const thread_team& team = thread_team(), const certified_head_options& options = {})
      : certificate_(options.delta), bits_(options.bits) {
    const linear::integer_gate rows(m.weights().head, {.dither_seed = options.dither_seed, .name = "head"});
    planes_ = rows.planes(team);
    relative_error_ = rows.relative_error();
  }

  [[nodiscard]] const linear::gate_planes& planes() const noexcept { return *planes_; }
  /// sqrt(sum (w - w')^2 / sum w^2) of the weights held.
  [[nodiscard]] double relative_error() const noexcept { return relative_error_; }

  /// Rows and columns: (n_vocab, d_model).
  [[nodiscard]] std::size_t n_vocab() const noexcept { return planes_->n_neuron; }
  [[nodiscard]] std::size_t d_model() const noexcept { return planes_->n_col; }
  /// The token of the largest logit.
  /// @param x  (1, d_model) the last hidden state after the final norm
  [[nodiscard]] token_id best(linear::workspace& ws, matrix_view<const float> x) const {
    const linear::integer_rows& row = ws.kept<linear::integer_row_buffer>().round(ws, x, bits_, planes_->dither.span());
    return static_cast<token_id>(ws.kept<linear::certified_argmax>().find(ws, *planes_, row, certificate_));
  }

 private:
  std::shared_ptr<const linear::gate_planes> planes_;
  linear::gate_certificate certificate_;
  linear::activation_bits bits_;
  double relative_error_ = 0;
};

}  // namespace quipu::llama

/// @file Where a forward pass keeps its intermediate values: scratch at inference, a tape in training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::llama {

/// The intermediate matrices of a decoder block, one row a token.
enum class slot : std::uint8_t {
  attention_in,   ///< (n_row, d_model) normalised block input
  q,              ///< (n_row, n_head * d_head) rotated
  k,              ///< (n_row, n_kv_head * d_head) rotated
  v,              ///< (n_row, n_kv_head * d_head)
  attended,       ///< (n_row, n_head * d_head) mixed values
  attention_out,  ///< (n_row, d_model) o's output, only if hooks change it
  ffn_in,         ///< (n_row, d_model) normalised
  gate,           ///< (n_row, d_ffn) before the activation
  up,             ///< (n_row, d_ffn)
  hidden,         ///< (n_row, d_ffn) f(gate) * up
  ffn_out,        ///< (n_row, d_model) down's output, only if hooks change it
  count,
};

/// Recorder of inference: every layer uses the same scratch, the residual stream is updated in place.
///
/// A recorder has `records`, `matrix(slot, layer, rows, cols)` to write into, `residual(layer, half, x)`
/// that gives the residual stream to go on with (x itself, or a copy if x must be kept), `output(slot, out)`
/// that gives what output hooks may change (out itself, or a copy if out must be kept), and
/// `log_sum(layer, rows, n_head)` for attention's normalisers (null where nobody needs them).
template <class Scalar>
class no_record {
 public:
  using scalar_type = Scalar;
  static constexpr bool records = false;

  [[nodiscard]] matrix_view<Scalar> matrix(slot s, std::size_t, std::size_t rows, std::size_t cols) {
    buffer<Scalar>& b = buffers_[static_cast<std::size_t>(s)];
    b.reserve_discarding(rows * cols);
    return b.matrix(rows, cols);
  }
  [[nodiscard]] matrix_view<Scalar> residual(std::size_t, int, matrix_view<Scalar> x) const noexcept { return x; }
  [[nodiscard]] matrix_view<Scalar> output(slot, matrix_view<Scalar> out) const noexcept { return out; }
  [[nodiscard]] Scalar* log_sum(std::size_t, std::size_t, std::size_t) const noexcept { return nullptr; }

 private:
  std::array<buffer<Scalar>, static_cast<std::size_t>(slot::count)> buffers_;
};

}  // namespace quipu::llama

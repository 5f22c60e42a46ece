/// @file Loops of the backward pass over rows of activations, for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>

namespace quipu::linear {

/// The backward loops of one scalar type. All are `noexcept`, allocate nothing, and treat a row the same
/// whatever rows stand beside it.
template <class Scalar>
struct backward_kernel_table {
  /// dx += gradient of x, dw += gradient of w (null: not wanted) of y = x / sqrt(mean(x^2) + eps) * w.
  void (*rms_norm)(const Scalar* x, const Scalar* w, Scalar eps, const Scalar* dy, std::size_t n, Scalar* dx,
                   Scalar* dw) noexcept;
  /// Of hidden = f(gate) * up: d_gate, d_up and once more hidden (null: not wanted). d_gate may be dh.
  void (*silu)(const Scalar* gate, const Scalar* up, const Scalar* dh, std::size_t n, Scalar* d_gate, Scalar* d_up,
               Scalar* hidden) noexcept;
  void (*gelu_tanh)(const Scalar* gate, const Scalar* up, const Scalar* dh, std::size_t n, Scalar* d_gate,
                    Scalar* d_up, Scalar* hidden) noexcept;
  void (*threshold)(const Scalar* gate, const Scalar* up, const Scalar* dh, Scalar threshold, std::size_t n,
                    Scalar* d_gate, Scalar* d_up, Scalar* hidden) noexcept;
  /// Undoes `row_kernel_table::rotate`; being orthogonal, it is also its gradient.
  void (*rotate_back)(Scalar* x, const Scalar* cosine, const Scalar* sine, std::size_t half) noexcept;
  /// -log softmax(logits)[target] in nats; if scale is not 0, logits become its gradient times scale.
  double (*cross_entropy)(Scalar* logits, std::size_t n, std::size_t target, Scalar scale) noexcept;
  /// <q, k_j> become probabilities p_j = e^(scale <q, k_j> - log_sum), dp_j become scale p_j (dp_j - delta).
  void (*attention)(Scalar* scores, Scalar* dp, std::size_t n, Scalar scale, Scalar log_sum, Scalar delta) noexcept;
  Scalar (*dot)(const Scalar* a, const Scalar* b, std::size_t n) noexcept;
  /// y += scale x
  void (*add_scaled)(const Scalar* x, Scalar scale, std::size_t n, Scalar* y) noexcept;
  /// c (m, n) = or += sum over k of a[i * a_row + k * a_k] b[k * b_k + j], each sum in the order of k.
  /// @pre n is a multiple of `strided_width`
  void (*strided_product)(std::size_t m, std::size_t n, std::size_t n_k, const Scalar* a, std::size_t a_row,
                          std::size_t a_k, const Scalar* b, std::size_t b_k, Scalar* c, std::size_t c_row,
                          bool accumulate) noexcept;
  static constexpr std::size_t strided_width = sizeof(Scalar) == 4 ? 8 : 4;
};

/// Backward loops for `set`; double always runs the portable ones.
template <class Scalar>
[[nodiscard]] const backward_kernel_table<Scalar>& backward_kernels_for(instruction_set set) noexcept;

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/backward_kernels.ipp>
#endif

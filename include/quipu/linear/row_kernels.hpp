/// @file Loops over rows of activations for each instruction set: norm, gates, rotation, attention.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>

namespace quipu::linear {

/// The loops over rows of one scalar type. All are `noexcept`, allocate nothing, and treat a row the same
/// whatever rows stand beside it.
template <class Scalar>
struct row_kernel_table {
  /// out = x / sqrt(mean(x^2) + eps) * w. Source: Zhang, Sennrich 2019, eq. (4).
  void (*rms_norm)(const Scalar* x, const Scalar* w, Scalar eps, std::size_t n, Scalar* out) noexcept;
  /// out = f(gate) * up for silu, GELU's tanh form, and x where x >= threshold and x > 0.
  void (*gate_silu)(const Scalar* gate, const Scalar* up, std::size_t n, Scalar* out) noexcept;
  void (*gate_gelu_tanh)(const Scalar* gate, const Scalar* up, std::size_t n, Scalar* out) noexcept;
  void (*gate_threshold)(const Scalar* gate, const Scalar* up, Scalar threshold, std::size_t n,
                         Scalar* out) noexcept;
  /// Rotates the pairs (i, i + half) of x (2 half) by the angles whose cosines and sines are given.
  void (*rotate)(Scalar* x, const Scalar* cosine, const Scalar* sine, std::size_t half) noexcept;
  /// One step of a running softmax over n scores, which become e^(score - largest).
  void (*softmax_step)(Scalar* scores, std::size_t n, Scalar& largest, Scalar& total, Scalar* out,
                       std::size_t d) noexcept;
  void (*scale_row)(const Scalar* x, Scalar scale, std::size_t n, Scalar* out) noexcept;
};

/// The loops that also depend on how keys and values are stored. Rows of `std::int8_t` are d whole numbers and then their scale, a
/// float.
template <class Scalar, class Kv>
struct kv_kernel_table {
  /// out[i] = x[i], rounded to Kv: whole numbers to the nearest 127th of the largest.
  void (*narrow)(const Scalar* x, std::size_t n, Kv* out) noexcept;
  /// out[r][j] = scale * <q_r, k_j>
  void (*scores)(const Scalar* q, std::size_t q_stride, std::size_t n_query, const Kv* k,
                 std::size_t k_stride, std::size_t n_key, std::size_t d, Scalar scale, Scalar* out,
                 std::size_t out_stride) noexcept;
  /// out_r += sum_j p[r][j] v_j
  void (*mix)(const Scalar* p, std::size_t p_stride, std::size_t n_query, const Kv* v, std::size_t v_stride,
              std::size_t n_key, std::size_t d, Scalar* out, std::size_t out_stride) noexcept;
};

/// Row loops for `set`; double always runs the portable ones.
template <class Scalar>
[[nodiscard]] const row_kernel_table<Scalar>& row_kernels_for(instruction_set set) noexcept;

template <class Scalar, class Kv>
[[nodiscard]] const kv_kernel_table<Scalar, Kv>& kv_kernels_for(instruction_set set) noexcept;

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/row_kernels.ipp>
#endif

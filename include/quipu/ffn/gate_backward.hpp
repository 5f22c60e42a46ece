/// @file The backward pass of the gate: hidden = f(gate) * up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward_kernels.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::ffn {

/// d_gate = dh * up * f'(gate) and d_up = dh * f(gate), row by row; with the vector loop of the activation
/// if it has one.
///
/// @param dh      (n_row, d_ffn) gradient of hidden; becomes d_gate
/// @param d_up    (n_row, d_ffn) out
/// @param hidden  (n_row, d_ffn) out, recomputed; empty if it is not wanted
template <class Scalar, class Activation>
void gate_backward(const Activation& f, const linear::workspace& ws, matrix_view<const Scalar> gate,
                   matrix_view<const Scalar> up, matrix_view<Scalar> dh, matrix_view<Scalar> d_up,
                   matrix_view<Scalar> hidden) {
  if constexpr (activation::tagged_activation<Activation>) {
    f.visit([&](const auto& own) { gate_backward<Scalar>(own, ws, gate, up, dh, d_up, hidden); });
  } else {
    const linear::backward_kernel_table<Scalar>& loops = linear::backward_kernels_for<Scalar>(ws.kernels().set);
    ws.team().parallel_for(gate.rows(), 4, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) {
        const Scalar *g = gate.row(t), *u = up.row(t);
        Scalar *d = dh.row(t), *du = d_up.row(t), *h = hidden.empty() ? nullptr : hidden.row(t);
        const std::size_t n = gate.cols();
        if constexpr (activation::vectorised_activation<Activation>) {
          if constexpr (Activation::form == activation::vector_form::silu) {
            loops.silu(g, u, d, n, d, du, h);
            continue;
          } else if constexpr (Activation::form == activation::vector_form::gelu_tanh) {
            loops.gelu_tanh(g, u, d, n, d, du, h);
            continue;
          } else if constexpr (Activation::form == activation::vector_form::threshold) {
            loops.threshold(g, u, d, static_cast<Scalar>(f.threshold_value()), n, d, du, h);
            continue;
          }
        }
        for (std::size_t i = 0; i < n; ++i) {
          const Scalar value = f(g[i]);
          const Scalar own = d[i];
          const Scalar other = activation::up_of(f, u[i]);
          d[i] = own * other * f.derivative(g[i]);
          du[i] = own * value;
          if constexpr (activation::up_changing_activation<Activation>) du[i] *= f.up_derivative(u[i]);
          if (h != nullptr) h[i] = value * other;
        }
      }
    });
  }
}

}  // namespace quipu::ffn

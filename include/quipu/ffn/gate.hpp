/// @file The gate of an FFN: hidden = f(gate) * up, row by row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::ffn {

/// hidden = f(gate) * up row by row, with the vector loop of the activation if it has one; with what the activation makes of up if
/// it changes it.
/// @param gate, up, hidden  (n_row, d_ffn)
template <class Scalar, class Activation>
void apply_gate(const Activation& f, const linear::workspace& ws, matrix_view<const Scalar> gate,
                matrix_view<const Scalar> up, matrix_view<Scalar> hidden) {
  if constexpr (activation::tagged_activation<Activation>) {
    f.visit([&](const auto& own) { apply_gate<Scalar>(own, ws, gate, up, hidden); });
  } else {
    const linear::row_kernel_table<Scalar>& rows = linear::row_kernels_for<Scalar>(ws.kernels().set);
    ws.team().parallel_for(gate.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) {
        const Scalar *g = gate.row(t), *u = up.row(t);
        Scalar* out = hidden.row(t);
        const std::size_t n = gate.cols();
        if constexpr (activation::vectorised_activation<Activation>) {
          if constexpr (Activation::form == activation::vector_form::silu) {
            rows.gate_silu(g, u, n, out);
            continue;
          } else if constexpr (Activation::form == activation::vector_form::gelu_tanh) {
            rows.gate_gelu_tanh(g, u, n, out);
            continue;
          } else if constexpr (Activation::form == activation::vector_form::threshold) {
            rows.gate_threshold(g, u, static_cast<Scalar>(f.threshold_value()), n, out);
            continue;
          }
        }
        for (std::size_t i = 0; i < n; ++i) out[i] = f(g[i]) * activation::up_of(f, u[i]);
      }
    });
  }
}

}  // namespace quipu::ffn

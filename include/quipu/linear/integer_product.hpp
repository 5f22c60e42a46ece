/// @file Products of a gate in bytes with activations in whole numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// The neurons of tiles first .. last, for every row of activations: a thread's part of `multiply`.
/// @param y  (x.n_row, n_neuron)
inline void multiply_tiles(const integer_kernel_table& kernels, const gate_bytes& gate, const integer_rows& x,
                           std::size_t first, std::size_t last, matrix_view<float> y) noexcept {
  // Some tiles and some activations at a time, so that both stay in the second-level cache.
  constexpr std::size_t tiles_at_once = 4, tokens_at_once = 32;
  for (std::size_t from = first; from < last; from += tiles_at_once) {
    for (std::size_t t = 0; t < x.n_row; t += tokens_at_once) {
      const std::size_t n_token = std::min(tokens_at_once, x.n_row - t);
      for (std::size_t i = from; i < std::min(from + tiles_at_once, last); ++i) {
        const std::size_t neuron = i * integer_tile_rows, n = std::min(integer_tile_rows, gate.n_neuron - neuron);
        const float* const scale = gate.scale.data() + neuron;
        if (n == integer_tile_rows) {
          kernels.multiply(gate.tile(i), x.from_row(t), n_token, scale, y.row(t) + neuron, y.stride());
          continue;
        }
        float values[tokens_at_once * integer_tile_rows];
        kernels.multiply(gate.tile(i), x.from_row(t), n_token, scale, values, integer_tile_rows);
        for (std::size_t k = 0; k < n_token; ++k) std::copy_n(values + k * integer_tile_rows, n, y.row(t + k) + neuron);
      }
    }
  }
}

/// y = x W^T without a bias: float(z * (scale of the neuron * scale of the row)), where z is the exact sum of whole
/// numbers. A row's bits depend neither on the rows beside it, nor on the instruction set or the number of threads.
/// @param x  rounded rows of gate.n_col columns
/// @param y  (x.n_row, gate.n_neuron) out
inline void multiply(workspace& ws, const gate_bytes& gate, const integer_rows& x, matrix_view<float> y) {
  QUIPU_ASSERT(x.n_col == gate.n_col && y.rows() == x.n_row && y.cols() == gate.n_neuron);
  const integer_kernel_table& kernels = integer_kernels_of(ws);
  const std::size_t n_tile = gate.n_tile();
  if (n_tile == 0 || x.n_row == 0) return;
  // One piece for each thread: every new one would begin a stream anew.
  const std::size_t grain = (n_tile + ws.team().size() - 1) / ws.team().size();
  ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
    multiply_tiles(kernels, gate, x, begin, end, y);
  });
}

}  // namespace quipu::linear

/// @file Products of whole gates whose integers lie in two planes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_product.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// y = x W^T without a bias, of all neurons: the bits of the product with a gate in bytes. Few rows read both planes; many share
/// tiles that are put together first.
/// @param x     rounded with the dither of `planes`
/// @param work  used for few rows
/// @param y     (x.n_row, planes.n_neuron) out
inline void multiply(workspace& ws, const gate_planes& planes, const integer_rows& x, listed_gates& work, matrix_view<float> y) {
  QUIPU_ASSERT(x.n_col == planes.n_col && y.rows() == x.n_row && y.cols() == planes.n_neuron);
  constexpr std::size_t few = 8;  // putting a tile together costs as much as some products with it
  if (x.n_row <= few) {
    static constexpr float nothing_is_below = std::numeric_limits<float>::lowest();
    static const gate_certificate any(0.5);
    for (std::size_t t = 0; t < x.n_row; ++t) {
      integer_rows row = x.from_row(t);
      row.n_row = 1;
      estimate(ws, planes, row, {.values = {&nothing_is_below, 1}}, any, work);
      finish(ws, planes, row, work);
      std::copy_n(work.values().data(), planes.n_neuron, y.row(t));
    }
    return;
  }
  const integer_kernel_table& kernels = integer_kernels_of(ws);
  const std::size_t n_tile = planes.n_tile(), n_group = planes.form().n_group;
  const std::size_t grain = (n_tile + ws.team().size() - 1) / ws.team().size();
  ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
    gate_bytes tile(gate_shape{integer_tile_rows, planes.n_col});
    std::vector<std::int8_t> q(n_group * integer_group);
    std::vector<std::uint8_t> multiplier(n_group);
    integer_weights weights{q, multiplier};
    std::vector<float> values(x.n_row * integer_tile_rows);  // (n_row, 16)
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t neuron = i * integer_tile_rows, n = std::min(integer_tile_rows, planes.n_neuron - neuron);
      for (std::size_t k = 0; k < n; ++k) {
        planes.read(neuron + k, weights);
        tile.write(k, weights);
      }
      multiply_tiles(kernels, tile, x, 0, 1, {values.data(), x.n_row, integer_tile_rows});
      for (std::size_t t = 0; t < x.n_row; ++t) std::copy_n(values.data() + t * integer_tile_rows, n, y.row(t) + neuron);
    }
  });
}

}  // namespace quipu::linear

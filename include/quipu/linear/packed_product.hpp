/// @file Products of rounded rows with packed matrices, several of one input in one parallel step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Rows of activations in whole numbers, in memory of their own that is used again.
class rounded_buffer {
 public:
  /// Rounds x (n_row, n_col).  @pre n_col is a multiple of 32
  void round(workspace& ws, matrix_view<const float> x, activation_bits bits) {
    const std::size_t n = x.rows() * x.cols();
    pairs_.reserve_discarding(n);                // (n_row, n_col)
    high_.reserve_discarding(n);                 // (n_row, n_col)
    low_.reserve_discarding(n);                  // (n_row, n_col)
    d_.reserve_discarding(n / packed_block);     // (n_row, n_col / 32)
    sums_.reserve_discarding(n / 16);            // (n_row, n_col / 16)
    const rounded_rows all = rows();
    ws.team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t)
        ws.packed_kernels().round(x.row(t), x.cols(), bits, all.from_row(t, x.cols()));
    });
  }
  [[nodiscard]] rounded_rows rows() noexcept {
    return {pairs_.data(), high_.data(), low_.data(), d_.data(), sums_.data()};
  }

 private:
  buffer<std::int16_t> pairs_;
  buffer<std::int8_t> high_, low_;
  buffer<float> d_;
  buffer<std::int32_t> sums_;
};

/// Calls `finish(product, t, first row, values, number of rows)` with results of `n_product` products of the same rows, all of
/// them once, from any thread of the team.
/// @param weights  weights(i) is the matrix of product i, all packed and of the same columns
template <class Weights, class Finish>
void multiply_packed(workspace& ws, rounded_rows x, std::size_t n_row, activation_bits bits, std::size_t n_product,
                     Weights&& weights, Finish&& finish) {
  constexpr std::size_t at_once = 64;  // their results (64 x 16) are finished while in the first-level cache
  std::size_t n_tile = 0;
  for (std::size_t i = 0; i < n_product; ++i) {
    const stored_matrix& w = weights(i);
    n_tile += (w.rows + packed_tile_rows - 1) / packed_tile_rows;
  }
  if (n_tile == 0) return;
  // One piece for each thread: every new one would begin a stream anew.
  const std::size_t grain = (n_tile + ws.team().size() - 1) / ws.team().size();
  ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
    alignas(64) float values[at_once * packed_tile_rows];
    std::size_t base = 0;
    for (std::size_t i = 0; i < n_product; ++i) {
      const stored_matrix& w = weights(i);
      const std::size_t n = (w.rows + packed_tile_rows - 1) / packed_tile_rows;
      const std::size_t first = std::max(begin, base) - base, last = end <= base ? 0 : std::min(end - base, n);
      base += n;
      const std::size_t bytes = packed_form_of(w.type).tile_bytes(w.cols);
      for (std::size_t j = first; j < last; ++j) {
        const std::size_t n_here = std::min(packed_tile_rows, w.rows - j * packed_tile_rows);
        for (std::size_t t = 0; t < n_row; t += at_once) {
          const std::size_t n_token = std::min(at_once, n_row - t);
          ws.packed_kernels().multiply(w.type, bits, w.packed + j * bytes, x.from_row(t, w.cols), n_token, w.cols, values,
                                       packed_tile_rows);
          for (std::size_t k = 0; k < n_token; ++k)
            finish(i, t + k, j * packed_tile_rows, values + k * packed_tile_rows, n_here);
        }
      }
    }
  });
}

}  // namespace quipu::linear

/// @file Activations of a token in whole numbers with one scale.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/integer_kernels.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// The kernels of gates in whole numbers for a workspace's instruction set.
[[nodiscard]] inline const integer_kernel_table& integer_kernels_of(const workspace& ws) {
  return integer_kernels_for(ws.packed_kernels().set);
}

/// Rows of activations in whole numbers, in memory of their own that is used again.
class integer_row_buffer {
 public:
  /// Rounds x (n_row, n_col) to x = scale * X with one scale for each row, by all threads.
  ///
  /// A row with a value that is not finite gets the scale NaN, so that its gates are NaN; rows that are smaller than
  /// 2^-100 everywhere get 0.
  /// @param dither  (n_col) of the planes that will meet these rows; empty if none will
  /// @throws shape_error  more than 32,768 columns, or a dither of another length
  const integer_rows& round(workspace& ws, matrix_view<const float> x, activation_bits bits = activation_bits::sixteen,
                            std::span<const std::uint8_t> dither = {}) {
    const std::size_t n_row = x.rows(), n_col = x.cols();
    if (n_col > largest_integer_columns)
      fail<shape_error>("integer_row_buffer: columns", concat("at most ", largest_integer_columns), n_col);
    if (!dither.empty() && dither.size() != n_col)
      fail<shape_error>("integer_row_buffer: dither", concat(n_col, " values"), dither.size());
    const std::size_t n_group = integer_form::of(n_col).n_group;
    // One group more for the last line of low nibbles, and an odd number of cache lines: rows that are read in turn then
    // lie in different sets of a cache.
    const std::size_t stride = ((n_group + 1) | 1) * integer_group;
    pairs_.reserve_discarding(stride * n_row);         // (n_row, stride)
    high_.reserve_discarding(stride * n_row);          // (n_row, stride)
    low_.reserve_discarding(stride * n_row);           // (n_row, stride)
    sums_.reserve_discarding(n_group * n_row);         // (n_row, n_group)
    dither_sums_.reserve_discarding(n_group * n_row);  // (n_row, n_group)
    squares_.reserve_discarding(n_group * n_row);      // (n_row, n_group)
    scale_.reserve_discarding(n_row);                  // (n_row)
    rows_ = {n_row,           n_col,        n_group,     bits,         stride,
             pairs_.data(),   high_.data(), low_.data(), sums_.data(), dither_sums_.data(),
             squares_.data(), scale_.data()};
    const integer_kernel_table& kernels = integer_kernels_of(ws);
    const std::uint8_t* const u = dither.empty() ? nullptr : dither.data();
    ws.team().parallel_for(n_row, 4, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) kernels.round(x.row(t), u, rows_.from_row(t));
    });
    return rows_;
  }
  [[nodiscard]] const integer_rows& rows() const noexcept { return rows_; }

 private:
  buffer<std::int16_t> pairs_;
  buffer<std::int8_t> high_, low_;
  buffer<std::int32_t> sums_, dither_sums_;
  buffer<double> squares_;
  buffer<float> scale_;
  integer_rows rows_;
};

}  // namespace quipu::linear

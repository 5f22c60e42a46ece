/// @file The loops over listed neurons, as one table for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/isa.hpp>
#include <quipu/linear/neuron_view.hpp>

namespace quipu::linear {

/// Loops over rows that are scattered in memory. Eight are read side by side, line by line, while the
/// lines of the next eight are asked for: long lists are walked fastest, short ones cost up to half of the speed. Nothing
/// allocates or throws. A result depends neither on
/// the rows beside it nor on how many there are, so lists can be split anywhere.
template <class Scalar>
struct neuron_kernel_table {
  instruction_set set;

  /// out[i] = sum_k w[rows[i]][k] x[k], x not rounded.
  /// @param rows  (n) numbers below w.rows, in any order
  /// @param x     (w.cols)
  /// @param out   (n)
  void (*dot)(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const Scalar* x, Scalar* out) noexcept;

  /// y[j] += sum_i c[i] w[rows[i]][first + j] for j < n_col, added in the order of the list: a list in two halves, or columns in
  /// several pieces, give the same bits.
  /// @param rows   (n) numbers below w.rows
  /// @param c      (n)
  /// @param first  a multiple of `row_block`
  /// @param n_col  up to w.cols - first; a multiple of `row_block` unless it ends the row
  /// @param y      (n_col)
  void (*add)(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const Scalar* c, std::size_t first,
              std::size_t n_col, Scalar* y) noexcept;

  /// out[i * ld + j] = w[first_row + i][first + j]: the numbers that the other two compute with.
  /// @param first  a multiple of `row_block`
  /// @param n_col  up to w.cols - first
  void (*widen)(const neuron_view& w, std::size_t first_row, std::size_t n_row, std::size_t first, std::size_t n_col, Scalar* out,
                std::size_t ld) noexcept;
};

}  // namespace quipu::linear

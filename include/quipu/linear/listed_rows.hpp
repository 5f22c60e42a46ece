/// @file Sums over some rows of a matrix alone: what kernels that skip neurons are made of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <quipu/core/tensor_type.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Values that are widened at a time: whole blocks of every type.
inline constexpr std::size_t listed_piece = 256;

/// Row `row` of w times x, in plain loops: for types that have no kernels of their own.
/// @param x  (w.cols)
template <class Scalar>
[[nodiscard]] Scalar listed_dot(const stored_matrix& w, std::size_t row, const Scalar* x) {
  Scalar sum = 0, wide[listed_piece];
  for (std::size_t k = 0; k < w.cols; k += listed_piece) {
    const std::size_t n = std::min(listed_piece, w.cols - k);
    io::dequantise_row(w.type, w.row(row) + row_bytes(w.type, k), wide, n);
    for (std::size_t i = 0; i < n; ++i) sum += wide[i] * x[k + i];
  }
  return sum;
}

/// y += sum over i of c[i] w[rows[i]], added in the order of the list, whatever the number of threads.
///
/// @param w     (d_ffn, d_out) neuron-major: row i is what neuron i adds to the output
/// @param rows  numbers below w.rows
/// @param c     (rows.size())
/// @param y     (w.cols) added to
template <class Scalar>
void add_listed(const workspace& ws, const stored_matrix& w, std::span<const std::uint32_t> rows, const Scalar* c,
                Scalar* y) {
  ws.team().parallel_for(w.cols, listed_piece, [&](std::size_t begin, std::size_t end, std::size_t) {
    if constexpr (std::is_same_v<Scalar, float>) {
      ws.kernels().add_listed(w.type, w.data, w.stride, rows.data(), c, rows.size(), begin, end - begin,
                              y + begin);
    } else {
      Scalar wide[listed_piece];
      for (std::size_t k = begin; k < end; k += listed_piece) {
        const std::size_t n = std::min(listed_piece, end - k);
        for (std::size_t i = 0; i < rows.size(); ++i) {
          io::dequantise_row(w.type, w.row(rows[i]) + row_bytes(w.type, k), wide, n);
          for (std::size_t j = 0; j < n; ++j) y[k + j] += c[i] * wide[j];
        }
      }
    }
  });
}

/// Lists, in order, the entries of a gate that a ReLU shifted by `threshold` does not make 0; NaN counts as active.
/// @param gate  (n)
/// @param rows  (n) out
/// @return how many
template <class Scalar>
std::size_t list_active(const workspace& ws, const Scalar* gate, std::size_t n, Scalar threshold, std::uint32_t* rows) {
  if constexpr (std::is_same_v<Scalar, float>) {
    return ws.kernels().list_active(gate, n, threshold, rows);
  } else {
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (!(gate[i] < threshold) && !(gate[i] <= 0)) rows[count++] = static_cast<std::uint32_t>(i);
    }
    return count;
  }
}

}  // namespace quipu::linear

/// @file Lengths of a matrix's columns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <quipu/io/dequantise.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::linear {

/// sqrt(sum over rows of w^2) of every column, in the order of the rows.
/// @return (cols)
[[nodiscard]] inline std::vector<float> column_norms(const stored_matrix& w) {
  std::vector<double> squares(w.cols, 0);
  std::vector<float> row(w.cols);
  for (std::size_t r = 0; r < w.rows; ++r) {
    io::dequantise_row(w.type, w.row(r), row.data(), w.cols);
    for (std::size_t i = 0; i < row.size(); ++i) squares[i] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  }
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(std::sqrt(squares[i]));
  return row;
}

}  // namespace quipu::linear

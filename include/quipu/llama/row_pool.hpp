/// @file Means over rows of each sequence of a batch, and their gradients: what heads on whole sequences read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/site.hpp>

namespace quipu::llama {

using linear::row_segment;

/// Rows first .. last - 1 of a sequence, virtual rows included.
struct row_range {
  std::size_t first = 0, last = 0;
  [[nodiscard]] constexpr std::size_t size() const noexcept { return last - first; }
};

/// @throws config_error  another number of ranges than sequences, an empty one, or one that leaves its sequence
inline void check_ranges(std::span<const row_segment> segments, std::span<const row_range> ranges) {
  if (ranges.size() != segments.size()) fail<config_error>("row ranges", concat(segments.size(), ", one a sequence"), ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].first >= ranges[i].last || ranges[i].last > segments[i].n_row) {
      fail<config_error>(concat("row range of sequence ", i), concat("some of its ", segments[i].n_row, " rows"),
                         concat(ranges[i].first, " to ", ranges[i].last));
    }
  }
}

/// out[i] = mean of the rows of sequence i's range; one row is copied as it is.
/// @param hidden  (n_row, d_model)
/// @param out     (sequences, d_model)
/// @pre `check_ranges` let the ranges pass
template <class Scalar>
void pool_rows(matrix_view<const Scalar> hidden, std::span<const row_segment> segments, std::span<const row_range> ranges,
               matrix_view<Scalar> out) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    Scalar* to = out.row(i);
    std::copy_n(hidden.row(segments[i].first_row + ranges[i].first), hidden.cols(), to);
    if (ranges[i].size() == 1) continue;
    for (std::size_t r = ranges[i].first + 1; r < ranges[i].last; ++r) {
      const Scalar* from = hidden.row(segments[i].first_row + r);
      for (std::size_t c = 0; c < hidden.cols(); ++c) to[c] += from[c];
    }
    const Scalar share = Scalar(1) / static_cast<Scalar>(ranges[i].size());
    for (std::size_t c = 0; c < hidden.cols(); ++c) to[c] *= share;
  }
}

/// The twin of `pool_rows`: the gradient of the hidden rows, 0 in rows that are in no range.
/// @param d_out     (sequences, d_model)
/// @param d_hidden  (n_row, d_model) overwritten
template <class Scalar>
void pool_rows_backward(matrix_view<const Scalar> d_out, std::span<const row_segment> segments, std::span<const row_range> ranges,
                        matrix_view<Scalar> d_hidden) {
  for (std::size_t t = 0; t < d_hidden.rows(); ++t) std::fill_n(d_hidden.row(t), d_hidden.cols(), Scalar(0));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Scalar share = Scalar(1) / static_cast<Scalar>(ranges[i].size());
    for (std::size_t r = ranges[i].first; r < ranges[i].last; ++r) {
      Scalar* to = d_hidden.row(segments[i].first_row + r);
      for (std::size_t c = 0; c < d_out.cols(); ++c) to[c] = share * d_out(i, c);
    }
  }
}

}  // namespace quipu::llama

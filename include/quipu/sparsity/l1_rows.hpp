/// @file The loop of L1 penalties: sizes of the values of a few rows, and their signs into a gradient.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include <quipu/core/matrix_view.hpp>

namespace quipu::sparsity {

/// dv += factor * sign(v), and the sum of |v|; with `PositivePart` those of max(v, 0). The slope at 0 is 0. NaN in v makes
/// the sum NaN. Sixteen running sums a row, the same ones with every compiler and instruction set.
/// @param dv  as v, or empty
template <class S, bool PositivePart>
[[nodiscard]] double add_l1(matrix_view<const S> v, S factor, matrix_view<S> dv) noexcept {
  // Without branches, so that compilers make vectors of it.
  constexpr std::size_t n_lane = 16;
  const auto size = [](S x) { return PositivePart ? (x > S(0) ? x : x * S(0)) : std::abs(x); };
  const auto sign = [](S x) { return static_cast<S>(static_cast<int>(x > S(0)) - static_cast<int>(!PositivePart && x < S(0))); };
  double sum = 0;
  for (std::size_t t = 0; t < v.rows(); ++t) {
    const S* const __restrict from = v.row(t);
    const std::size_t n = v.cols(), n_whole = n - n % n_lane;
    S lanes[n_lane] = {};
    for (std::size_t i = 0; i < n_whole; i += n_lane) {
      for (std::size_t j = 0; j < n_lane; ++j) lanes[j] += size(from[i + j]);
    }
    for (std::size_t i = n_whole; i < n; ++i) lanes[i - n_whole] += size(from[i]);
    for (const S lane : lanes) sum += static_cast<double>(lane);
    if (dv.empty()) continue;
    S* const __restrict to = dv.row(t);
    for (std::size_t i = 0; i < n; ++i) to[i] += factor * sign(from[i]);
  }
  return sum;
}

}  // namespace quipu::sparsity

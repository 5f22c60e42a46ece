/// @file Inputs of a product that are left out because they are small.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <quipu/core/matrix_view.hpp>

namespace quipu::linear {

/// What the inputs of a matrix must reach in size: one that is below its limit counts as 0, NaN does not. Source: Liu et al. 2024, "TEAL"
/// (arXiv 2408.14690).
struct input_limits {
  std::vector<float> least = {};  ///< (cols)

  template <class Scalar>
  [[nodiscard]] bool leaves_out(std::size_t i, Scalar value) const noexcept {
    return std::abs(value) < static_cast<Scalar>(least[i]);
  }
  /// @param x    (cols)
  /// @param out  (cols) x without what is left out
  template <class Scalar>
  void apply(const Scalar* x, Scalar* out) const noexcept {
    for (std::size_t i = 0; i < least.size(); ++i) out[i] = leaves_out(i, x[i]) ? Scalar(0) : x[i];
  }
};

}  // namespace quipu::linear

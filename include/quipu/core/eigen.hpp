/// @file The header that names Eigen's include paths (with `eigen_cholesky.hpp` and `eigen_decompositions.hpp`), and our aliases for its types.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>

#include <quipu/core/matrix_view.hpp>

namespace quipu {

/// Row-major dense matrix that owns its values.
template <class Scalar>
using eigen_matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Scalar>
using eigen_vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Our view as an Eigen expression over the same values.
template <class Scalar>
[[nodiscard]] auto as_eigen(matrix_view<Scalar> m) {
  using matrix = eigen_matrix<std::remove_const_t<Scalar>>;
  using mapped = std::conditional_t<std::is_const_v<Scalar>, const matrix, matrix>;
  return Eigen::Map<mapped, 0, Eigen::OuterStride<>>(
      m.data(), static_cast<Eigen::Index>(m.rows()), static_cast<Eigen::Index>(m.cols()),
      Eigen::OuterStride<>(static_cast<Eigen::Index>(m.stride())));
}

}  // namespace quipu

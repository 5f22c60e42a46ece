/// @file What losses on logits share: rows in double, their log-softmax, labels that are checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

using double_rows = eigen_matrix<double>;

/// Losses are summed in double whatever the model computes in.  (n_row, n_col)
template <class Scalar>
[[nodiscard]] double_rows in_double(matrix_view<const Scalar> rows) {
  return as_eigen(rows).template cast<double>();
}

/// @param z  (n_row, n_class)
[[nodiscard]] inline double_rows log_softmax(const double_rows& z) {
  double_rows out(z.rows(), z.cols());
  for (Eigen::Index i = 0; i < z.rows(); ++i) {
    const double most = z.row(i).maxCoeff();
    out.row(i) = z.row(i).array() - (most + std::log((z.row(i).array() - most).exp().sum()));
  }
  return out;
}

/// gradient += factor * d
template <class Scalar>
void add_gradient(const double_rows& d, double factor, matrix_view<Scalar> gradient) {
  auto out = as_eigen(gradient);
  out += (factor * d).template cast<Scalar>();
}

/// @throws config_error  another number of labels than rows, or one that is no class
inline void check_labels(std::string_view what, std::span<const std::size_t> labels, std::size_t n_row, std::size_t n_class) {
  if (labels.size() != n_row) fail<config_error>(concat(what, ": labels"), n_row, labels.size());
  for (const std::size_t label : labels) {
    if (label >= n_class) fail<config_error>(concat(what, ": label"), concat("below ", n_class), label);
  }
}
/// @throws config_error  a shape that does not fit
inline void check_shape(std::string_view what, std::size_t found, std::size_t expected) {
  if (found != expected) fail<config_error>(what, expected, found);
}

}  // namespace quipu::conpet

/// @file The distance of aligned representations to where they were.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// a(h) = M h + m: brings representations of now to where those of earlier tasks were.
/// Source: Wang et al. 2019, "Sentence embedding alignment for lifelong relation extraction", section 4.3.
struct alignment {
  double_rows matrix;               ///< (d, d)
  eigen_vector<double> offset;      ///< (d)

  /// The identity.
  [[nodiscard]] static alignment none(std::size_t d) {
    const auto n = static_cast<Eigen::Index>(d);
    return {double_rows::Identity(n, n), eigen_vector<double>::Zero(n)};
  }
  /// @param h  (n, d)
  [[nodiscard]] double_rows apply(const double_rows& h) const { return (h * matrix.transpose()).rowwise() + offset.transpose(); }
};

struct alignment_gradients {
  double_rows now;              ///< (n, d)
  double_rows matrix;           ///< (d, d)
  eigen_vector<double> offset;  ///< (d)
};

/// Mean over rows and columns of (a(now) - anchor)^2.
/// @param now, anchor  (n, d)
/// @throws config_error  shapes that do not fit
[[nodiscard]] inline double alignment_loss(const alignment& a, const double_rows& now, const double_rows& anchor, alignment_gradients& gradients) {
  check_shape("alignment_loss: rows of the anchors", static_cast<std::size_t>(anchor.rows()), static_cast<std::size_t>(now.rows()));
  check_shape("alignment_loss: width of the anchors", static_cast<std::size_t>(anchor.cols()), static_cast<std::size_t>(now.cols()));
  check_shape("alignment_loss: width of the matrix", static_cast<std::size_t>(a.matrix.cols()), static_cast<std::size_t>(now.cols()));
  const double_rows off = a.apply(now) - anchor;  // (n, d)
  const double n = static_cast<double>(off.size());
  const double_rows d = 2 / n * off;
  gradients.now = d * a.matrix;
  gradients.matrix = d.transpose() * now;
  gradients.offset = d.colwise().sum().transpose();
  return off.squaredNorm() / n;
}

}  // namespace quipu::conpet

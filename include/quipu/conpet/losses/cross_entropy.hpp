/// @file Cross-entropy of logits and of products with prototypes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// -(1/n) sum_i w_{y_i} log softmax(z_i)_{y_i}. Slots that no module wrote hold `null_logit`.
/// Source: Song et al. 2023; the authors' generate_continual_logits.
/// @param z         (n, n_class) logits
/// @param label     (n)
/// @param weight    (n_class) of classes; empty: all 1
/// @param gradient  (n, n_class) of z, added to
/// @throws config_error  labels or weights that do not fit
template <class Scalar>
double cross_entropy(matrix_view<const Scalar> z, std::span<const std::size_t> label, std::span<const double> weight,
                     matrix_view<Scalar> gradient) {
  check_labels("cross_entropy", label, z.rows(), z.cols());
  if (!weight.empty()) check_shape("cross_entropy: weights of classes", weight.size(), z.cols());
  const double_rows log_p = log_softmax(in_double<Scalar>(z));
  double_rows d = log_p.array().exp();
  double sum = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i), y = static_cast<Eigen::Index>(label[i]);
    const double w = weight.empty() ? 1 : weight[label[i]];
    sum -= w * log_p(row, y);
    d(row, y) -= 1;
    d.row(row) *= w;
  }
  const double n = static_cast<double>(label.size());
  add_gradient(d, 1 / n, gradient);
  return sum / n;
}

/// Cross-entropy with logits z_c = h p_c, without bias or scale. Source: Han et al. 2020, "EMAR", eq. (5).
/// @param h           (n, d) representations
/// @param prototypes  (n_class, d)
/// @param gradient    (n, d) of h, added to
/// @throws config_error  labels or widths that do not fit
template <class Scalar>
double prototype_loss(matrix_view<const Scalar> h, matrix_view<const Scalar> prototypes, std::span<const std::size_t> label,
                      matrix_view<Scalar> gradient) {
  check_shape("prototype_loss: width of prototypes", prototypes.cols(), h.cols());
  const double_rows p = in_double<Scalar>(prototypes);
  const double_rows z = in_double<Scalar>(h) * p.transpose();  // (n, n_class)
  double_rows dz = double_rows::Zero(z.rows(), z.cols());
  const auto n_class = static_cast<std::size_t>(z.cols());
  const double loss = cross_entropy<double>({z.data(), h.rows(), n_class}, label, {}, {dz.data(), h.rows(), n_class});
  add_gradient(dz * p, 1, gradient);
  return loss;
}

}  // namespace quipu::conpet

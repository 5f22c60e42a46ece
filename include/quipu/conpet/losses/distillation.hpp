/// @file Losses that hold a learner's logits where they were: LwF, and DER++'s on what a memory keeps.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <quipu/conpet/losses/cross_entropy.hpp>
#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// strength * sum_i sum_c -softmax(old_i / T)_c log softmax(z_i / T)_c over the old classes: a sum over rows, as the authors' code has it.
/// Source: Li, Hoiem 2016, "Learning without forgetting", eq. (2), (3).
/// @param z         (n, n_old) logits of the old classes now
/// @param old       (n, n_old) and before the task
/// @param gradient  (n, n_old) of z, added to
/// @throws config_error  shapes that do not fit; a temperature that is not above 0
template <class Scalar>
double lwf_loss(matrix_view<const Scalar> z, matrix_view<const Scalar> old, matrix_view<Scalar> gradient, double strength = 1,
                double temperature = 1) {
  check_shape("lwf_loss: rows of the old logits", old.rows(), z.rows());
  check_shape("lwf_loss: old classes", old.cols(), z.cols());
  if (!(temperature > 0)) fail<config_error>("lwf_loss: temperature", "above 0", temperature);
  const double_rows log_p = log_softmax(in_double<Scalar>(z) / temperature);
  const double_rows target = log_softmax(in_double<Scalar>(old) / temperature).array().exp();
  add_gradient(log_p.array().exp().matrix() - target, strength / temperature, gradient);
  return -strength * (target.array() * log_p.array()).sum();
}

/// Mean over rows and classes of (z - stored)^2, times alpha: of logits that a memory keeps with its examples.
/// Source: Buzzega et al. 2020, "Dark experience", eq. (5), as the authors' code averages it.
/// @param z, stored  (n, n_class)
/// @param gradient   (n, n_class) of z, added to
/// @throws config_error  shapes that do not fit
template <class Scalar>
double dark_experience_loss(matrix_view<const Scalar> z, matrix_view<const Scalar> stored, matrix_view<Scalar> gradient, double alpha) {
  check_shape("dark_experience_loss: rows of the stored logits", stored.rows(), z.rows());
  check_shape("dark_experience_loss: classes of the stored logits", stored.cols(), z.cols());
  const double_rows off = in_double<Scalar>(z) - in_double<Scalar>(stored);
  const double n = static_cast<double>(off.size());
  add_gradient(off, 2 * alpha / n, gradient);
  return alpha * off.squaredNorm() / n;
}

/// DER++: dark experience on some kept examples, and beta times cross-entropy on their labels on others.
/// Source: Buzzega et al. 2020, "Dark experience", eq. (6).
/// @param z, stored, z_gradient          (n, n_class) of rows drawn for their logits
/// @param labelled, label, its gradient  (m, n_class), (m) of rows drawn for their labels
template <class Scalar>
double der_plus_plus_loss(matrix_view<const Scalar> z, matrix_view<const Scalar> stored, matrix_view<Scalar> z_gradient,
                          matrix_view<const Scalar> labelled, std::span<const std::size_t> label, matrix_view<Scalar> labelled_gradient,
                          double alpha, double beta) {
  const double dark = dark_experience_loss(z, stored, z_gradient, alpha);
  double_rows d = double_rows::Zero(static_cast<Eigen::Index>(labelled.rows()), static_cast<Eigen::Index>(labelled.cols()));
  const double_rows values = in_double<Scalar>(labelled);
  const double loss = cross_entropy<double>({values.data(), labelled.rows(), labelled.cols()}, label, {}, {d.data(), labelled.rows(), labelled.cols()});
  add_gradient(d, beta, labelled_gradient);
  return dark + beta * loss;
}

}  // namespace quipu::conpet

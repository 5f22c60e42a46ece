/// @file Losses of consistent representation learning: contrast with a bank of features, and distillation of similarities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// Supervised contrast with a memory bank: e_ij = exp(x_i c_j / t - max_j) + 1e-4, and for each row the mean over the bank's rows of its class of
/// -log(e_ij / sum_j e_ij). Gradients flow through x alone. Source: Zhao et al. 2022, "CRL", eq. (4), with the floor of the authors' code.
/// @param x         (n, d) of length 1
/// @param bank      (n_bank, d) of length 1
/// @param label     (n), bank_label (n_bank)
/// @param gradient  (n, d) of x, added to
/// @throws config_error  shapes that do not fit; a temperature that is not above 0; a class of x that the bank lacks
template <class Scalar>
double contrastive_loss(matrix_view<const Scalar> x, std::span<const std::size_t> label, matrix_view<const Scalar> bank,
                        std::span<const std::size_t> bank_label, matrix_view<Scalar> gradient, double temperature = 0.1) {
  constexpr double floor = 1e-4;
  check_shape("contrastive_loss: labels", label.size(), x.rows());
  check_shape("contrastive_loss: labels of the bank", bank_label.size(), bank.rows());
  check_shape("contrastive_loss: width of the bank", bank.cols(), x.cols());
  if (!(temperature > 0)) fail<config_error>("contrastive_loss: temperature", "above 0", temperature);
  const double_rows c = in_double<Scalar>(bank);
  const double_rows s = in_double<Scalar>(x) * c.transpose() / temperature;  // (n, n_bank)
  double_rows ds(s.rows(), s.cols());
  double sum = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const Eigen::ArrayXd power = (s.row(row).array() - s.row(row).maxCoeff()).exp();
    const Eigen::ArrayXd e = power + floor;
    const double total = e.sum();
    double n_positive = 0;
    for (const std::size_t l : bank_label) n_positive += l == label[i] ? 1 : 0;
    if (n_positive == 0) fail<config_error>("contrastive_loss: bank", concat("a row of class ", label[i]), "none");
    for (std::size_t j = 0; j < bank_label.size(); ++j) {
      const auto col = static_cast<Eigen::Index>(j);
      const double positive = bank_label[j] == label[i] ? 1 / n_positive : 0;
      sum -= positive == 0 ? 0 : positive * std::log(e[col] / total);
      // d/de_j of sum_p -log e_p + log total, times de_j/ds_j; the maximum is a constant.
      ds(row, col) = (1 / total - positive / e[col]) * power[col];
    }
  }
  const double n = static_cast<double>(label.size());
  add_gradient(ds * c, 1 / (n * temperature), gradient);
  return sum / n;
}

/// KL divergence of the similarities of old classes: teacher softmax(t (P P^T)_y), student softmax(t x C^T), mean over rows.
/// Source: Zhao et al. 2022, "CRL", eq. (8).
/// @param x           (n, d) of length 1, rows of old classes
/// @param label       (n) rows of `prototypes`
/// @param means       (n_old, d) of length 1, of the bank
/// @param prototypes  (n_old, d_hidden) of length 1, of the stage before
/// @param gradient    (n, d) of x, added to
/// @throws config_error  shapes that do not fit
template <class Scalar>
double similarity_distillation(matrix_view<const Scalar> x, std::span<const std::size_t> label, matrix_view<const Scalar> means,
                               matrix_view<const Scalar> prototypes, matrix_view<Scalar> gradient, double t = 10) {
  check_labels("similarity_distillation", label, x.rows(), prototypes.rows());
  check_shape("similarity_distillation: means", means.rows(), prototypes.rows());
  check_shape("similarity_distillation: width of the means", means.cols(), x.cols());
  const double_rows c = in_double<Scalar>(means), p = in_double<Scalar>(prototypes);
  const double_rows log_teacher = log_softmax(t * p * p.transpose());                    // (n_old, n_old)
  const double_rows log_student = log_softmax(t * in_double<Scalar>(x) * c.transpose());  // (n, n_old)
  double_rows ds = log_student.array().exp();
  double sum = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const Eigen::RowVectorXd lg = log_teacher.row(static_cast<Eigen::Index>(label[i]));
    const Eigen::RowVectorXd g = lg.array().exp();
    sum += g.dot(lg - log_student.row(row));
    ds.row(row) -= g;
  }
  const double n = static_cast<double>(label.size());
  add_gradient(ds * c, t / n, gradient);
  return sum / n;
}

}  // namespace quipu::conpet

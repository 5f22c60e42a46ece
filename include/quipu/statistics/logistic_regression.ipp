// What logistic_regression.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/statistics/logistic_model.hpp>
#include <quipu/statistics/logistic_regression.hpp>

namespace quipu::statistics {

namespace detail {

/// Solves the symmetric positive definite system `a` x = b in place (Cholesky); `a` is overwritten.
/// @return false if `a` is not positive definite
inline bool solve_positive(eigen_matrix<double>& a, eigen_vector<double>& b) {
  const Eigen::Index n = a.rows();
  for (Eigen::Index j = 0; j < n; ++j) {
    const double pivot = a(j, j) - a.row(j).head(j).squaredNorm();
    if (!(pivot > 0)) return false;
    a(j, j) = std::sqrt(pivot);
    for (Eigen::Index i = j + 1; i < n; ++i) a(i, j) = (a(i, j) - a.row(i).head(j).dot(a.row(j).head(j))) / a(j, j);
  }
  for (Eigen::Index i = 0; i < n; ++i) b(i) = (b(i) - a.row(i).head(i).dot(b.head(i))) / a(i, i);
  for (Eigen::Index i = n; i-- > 0;) b(i) = (b(i) - a.col(i).tail(n - i - 1).dot(b.tail(n - i - 1))) / a(i, i);
  return true;
}

/// Fills weights and bias of a model whose standardisation is known; weights that are not used become 0.
inline void fit_weights(logistic_model& model, matrix_view<const double> x, std::span<const std::uint8_t> y,
                        const std::vector<bool>& used, const logistic_options& options) {
  const std::size_t n = x.rows(), d = x.cols();
  const auto rows = static_cast<Eigen::Index>(n), cols = static_cast<Eigen::Index>(d) + 1;
  eigen_matrix<double> z(rows, cols);  // (n, d + 1) standardised, then a column of ones
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      z(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = used[j] ? model.standardised(j, x(i, j)) : 0;
    }
    z(static_cast<Eigen::Index>(i), cols - 1) = 1;
  }
  std::size_t n_positive = 0;
  for (const std::uint8_t label : y) n_positive += label != 0 ? 1 : 0;
  const double share = static_cast<double>(n_positive) / static_cast<double>(n);
  const double weight[2] = {options.balanced ? 0.5 / (1 - share) : 1, options.balanced ? 0.5 / share : 1};
  eigen_vector<double> theta = eigen_vector<double>::Zero(cols);
  const auto objective = [&](const eigen_vector<double>& at) {
    const eigen_vector<double> scores = z * at;
    double sum = 0.5 * options.ridge * at.head(cols - 1).squaredNorm();
    for (Eigen::Index i = 0; i < rows; ++i) {
      const bool positive = y[static_cast<std::size_t>(i)] != 0;
      const double margin = positive ? scores(i) : -scores(i);
      sum += weight[positive ? 1 : 0] *
             (margin > 0 ? std::log1p(std::exp(-margin)) : -margin + std::log1p(std::exp(margin)));
    }
    return sum;
  };
  double value = objective(theta);
  for (std::size_t step = 0; step < options.max_step; ++step) {
    const eigen_vector<double> scores = z * theta;
    eigen_vector<double> residual(rows), curvature(rows);
    for (Eigen::Index i = 0; i < rows; ++i) {
      const bool positive = y[static_cast<std::size_t>(i)] != 0;
      const double p = sigmoid(scores(i)), w = weight[positive ? 1 : 0];
      residual(i) = w * (p - (positive ? 1 : 0));
      curvature(i) = w * p * (1 - p);
    }
    eigen_vector<double> gradient = z.transpose() * residual;  // (d + 1)
    gradient.head(cols - 1) += options.ridge * theta.head(cols - 1);
    if (gradient.cwiseAbs().maxCoeff() <= options.tolerance * static_cast<double>(n)) {
      model.weights.assign(theta.data(), theta.data() + d);
      model.bias = theta(cols - 1);
      return;
    }
    const eigen_matrix<double> weighted = curvature.asDiagonal() * z;
    eigen_matrix<double> hessian = z.transpose() * weighted;  // (d + 1, d + 1)
    hessian.diagonal().head(cols - 1).array() += options.ridge;
    hessian(cols - 1, cols - 1) += 1e-10;
    eigen_vector<double> direction = gradient;
    if (!detail::solve_positive(hessian, direction))
      throw numeric_error("fit_logistic: the curvature is not positive definite");
    // Halve the step until the objective falls enough (Armijo); a full one near the optimum.
    const double slope = gradient.dot(direction);
    double length = 1;
    eigen_vector<double> next = theta - direction;
    double next_value = objective(next);
    // So close to the optimum the objective's rounding hides any descent, and full steps converge by themselves.
    const bool close = slope <= 1e-11 * (1 + std::abs(value));
    while (!close && !(next_value <= value - 1e-4 * length * slope) && length > 1e-10) {
      length /= 2;
      next = theta - length * direction;
      next_value = objective(next);
    }
    if (length <= 1e-10) {  // rounding stops the descent: this is the optimum as far as doubles tell
      if (gradient.cwiseAbs().maxCoeff() > 1e-5 * static_cast<double>(n))
        throw numeric_error("fit_logistic: no descent");
      model.weights.assign(theta.data(), theta.data() + d);
      model.bias = theta(cols - 1);
      return;
    }
    theta = next;
    value = next_value;
  }
  throw numeric_error(concat("fit_logistic: no convergence in ", options.max_step, " steps"));
}

}  // namespace detail

QUIPU_INLINE logistic_model fit_logistic(matrix_view<const double> x, std::span<const std::uint8_t> y,
                                         const logistic_options& options) {
  const std::size_t n = x.rows(), d = x.cols();
  if (y.size() != n) fail<shape_error>("fit_logistic: labels", n, y.size());
  if (!(options.ridge > 0) || !std::isfinite(options.ridge))
    fail<config_error>("fit_logistic: ridge", "above 0", options.ridge);
  std::size_t n_positive = 0;
  for (const std::uint8_t label : y) n_positive += label != 0 ? 1 : 0;
  if (n_positive == 0 || n_positive == n) {
    fail<config_error>("fit_logistic: labels", "both classes", concat(n_positive, " positives of ", n));
  }
  if (!options.signs.empty() && options.signs.size() != d) fail<shape_error>("fit_logistic: signs", d, options.signs.size());
  if (!(options.bound >= 0)) fail<config_error>("fit_logistic: bound", "0 or more", options.bound);
  logistic_model model;
  model.bound = options.bound;
  model.mean.assign(d, 0);
  model.deviation.assign(d, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      if (!std::isfinite(x(i, j)))
        fail<numeric_error>(concat("fit_logistic: row ", i, ", feature ", j), "a finite number", x(i, j));
      model.mean[j] += x(i, j) / static_cast<double>(n);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j)
      model.deviation[j] += (x(i, j) - model.mean[j]) * (x(i, j) - model.mean[j]) / static_cast<double>(n);
  }
  for (double& deviation : model.deviation) deviation = std::sqrt(deviation) + 1e-6;

  std::vector<bool> used(d, true);
  for (bool again = true; again;) {
    detail::fit_weights(model, x, y, used, options);
    again = false;
    for (std::size_t j = 0; j < options.signs.size(); ++j) {
      if (options.signs[j] * model.weights[j] >= 0) continue;
      used[j] = false;
      again = true;
    }
  }
  return model;
}

}  // namespace quipu::statistics

/// @file Logistic regression with a ridge, fitted by Newton steps to the exact optimum.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/statistics/logistic_model.hpp>

namespace quipu::statistics {

struct logistic_options {
  double ridge = 1;                 ///< half of it times the squared length of the weights is added; above 0
  bool balanced = true;             ///< both classes get the same total weight, that of half of the rows
  std::size_t max_step = 100;
  double tolerance = 1e-9;          ///< of the largest entry of the gradient, over the number of rows
  double bound = 0;                 ///< see `logistic_model::bound`
  /// Of the weights: 1 where it must not be below 0, -1 where it must not be above, 0 where it is free; empty: all free
  std::vector<int> signs = {};
};

/// Fits
///
///   min  sum_i w_i log(1 + exp(-s_i z_i)) + ridge / 2 |weights|^2,   z_i = weights . x_i + bias,  s_i = +-1
///
/// over standardised features (deviation + 1e-6, as the mean 0 features have none); the bias has no ridge.
/// The objective is strictly convex in the weights, so the result does not depend on a start or an order. Weights of the
/// wrong sign become 0 and the rest is fitted again, until none is left.
///
/// @param x  (n, d) features; finite
/// @param y  (n) 0 or 1, both must occur
/// @throws shape_error   sizes do not fit
/// @throws config_error  only one class, a ridge that is not positive
/// @throws numeric_error a feature is not finite, or the steps do not converge
[[nodiscard]] logistic_model fit_logistic(matrix_view<const double> x, std::span<const std::uint8_t> y,
                                          const logistic_options& options = {});

}  // namespace quipu::statistics

#if !defined(QUIPU_COMPILED)
#include <quipu/statistics/logistic_regression.ipp>
#endif

/// @file What a logistic regression gives: weights over standardised features, scores, probabilities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::statistics {

/// 1 / (1 + exp(-z)), without overflow.
[[nodiscard]] inline double sigmoid(double z) noexcept {
  if (z >= 0) return 1 / (1 + std::exp(-z));
  const double e = std::exp(z);
  return e / (1 + e);
}

/// log odds = weights . z + bias, z = (x - mean) / deviation
struct logistic_model {
  std::vector<double> mean, deviation;  ///< of the features, to standardise them
  std::vector<double> weights;
  double bias = 0;
  double bound = 0;  ///< of z on both sides, so that nothing is extrapolated far beyond what was fitted; 0: none

  /// Feature i, standardised and bounded.
  [[nodiscard]] double standardised(std::size_t i, double x) const noexcept {
    const double z = (x - mean[i]) / deviation[i];
    return bound > 0 ? std::clamp(z, -bound, bound) : z;
  }
  [[nodiscard]] double score(std::span<const double> x) const {
    if (x.size() != weights.size()) fail<shape_error>("logistic_model: features", weights.size(), x.size());
    double sum = bias;
    for (std::size_t i = 0; i < x.size(); ++i) sum += weights[i] * standardised(i, x[i]);
    return sum;
  }
  [[nodiscard]] double probability(std::span<const double> x) const { return sigmoid(score(x)); }
};

}  // namespace quipu::statistics

/// @file A temperature that makes the probabilities of a softmax fit what happens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::statistics {

/// log(sum exp(x / temperature)), without overflow. @pre x is not empty
[[nodiscard]] inline double log_sum_exp(std::span<const float> x, double temperature) noexcept {
  const double most = static_cast<double>(*std::max_element(x.begin(), x.end())) / temperature;
  double sum = 0;
  for (const float v : x) sum += std::exp(static_cast<double>(v) / temperature - most);
  return most + std::log(sum);
}

/// The temperature with the largest likelihood (Guo et al. 2017, section 4.2), between 1/20 and 20, by golden sections of its logarithm: the
/// loss has one minimum in 1 / temperature. 1 for no examples.
/// @param logits   of each example
/// @param targets  the right ones of them
/// @throws shape_error  sizes that do not fit, a target that is no class
[[nodiscard]] inline double fit_temperature(std::span<const std::vector<float>> logits, std::span<const std::size_t> targets) {
  if (logits.size() != targets.size()) fail<shape_error>("fit_temperature: targets", logits.size(), targets.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (targets[i] >= logits[i].size()) fail<shape_error>("fit_temperature: target", concat("below ", logits[i].size()), targets[i]);
  }
  if (logits.empty()) return 1;
  const auto loss = [&](double log_temperature) {
    const double t = std::exp(log_temperature);
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) sum += log_sum_exp(logits[i], t) - static_cast<double>(logits[i][targets[i]]) / t;
    return sum;
  };
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = -std::log(20.0), high = std::log(20.0);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double loss_a = loss(a), loss_b = loss(b);
  for (int step = 0; step < 40; ++step) {
    if (loss_a <= loss_b) {
      high = b;
      b = a;
      loss_b = loss_a;
      a = high - ratio * (high - low);
      loss_a = loss(a);
    } else {
      low = a;
      a = b;
      loss_a = loss_b;
      b = low + ratio * (high - low);
      loss_b = loss(b);
    }
  }
  return std::exp((low + high) / 2);
}

}  // namespace quipu::statistics

/// @file All that a fitted gate decides by: weights, thresholds, probabilities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quipu/statistics/calibration.hpp>  // platt_scaling
#include <quipu/statistics/logistic_model.hpp>

namespace quipu::eren {

/// All that a fitted gate decides by.
struct gate_model {
  std::vector<std::string> names;                   ///< of the features
  std::optional<statistics::logistic_model> probe;  ///< over the hidden state
  statistics::logistic_model stack;                 ///< over the features, the probe's score in its place
  statistics::logistic_model cheap;                 ///< over the leading features that need no model
  double threshold = 0;                             ///< of the stack's score: applied at or above it
  double cheap_threshold = -1e300;                  ///< below it nothing is read
  statistics::platt_scaling probability;            ///< of the stack's score
};

/// A gate whose score is the one feature `name` itself: only threshold and probability are left to be chosen
/// (`fitted_gate::calibrate`).
[[nodiscard]] inline gate_model gate_of_feature(std::string name) {
  gate_model m;
  m.names = {std::move(name)};
  m.stack = {{0}, {1}, {1}, 0};
  m.probability = {1, 0};
  return m;
}

}  // namespace quipu::eren

/// @file What gates are fitted and calibrated on, and how.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::eren {

/// One question with the note that was read for it.
struct gate_sample {
  std::vector<double> features;
  std::vector<float> hidden;  ///< for the probe; empty if there is none
  bool positive = false;      ///< the note answers the question
  std::string group;          ///< samples of one group (one edit) are never on both sides of a split
};

/// What the threshold is chosen by: called with a threshold and all scores; more is better.
using gate_quality = std::function<double(double threshold, std::span<const double> scores)>;

struct gate_fit_options {
  double ridge = 1;
  double probe_ridge = 30;
  std::size_t n_fold = 5;
  /// Share of the questions that notes do not answer, and that a note may override all the same; not set:
  /// the threshold with the best quality.
  std::optional<double> damage = {};
  /// Default: harmonic mean of the shares of positives kept and negatives rejected
  gate_quality quality = {};
  double bound = 0;  ///< of standardised features, see `statistics::logistic_model`; 0: none
  /// Features by whose growth the score must not fall, and those by which it must not rise; others are free
  std::vector<std::string> rising = {}, falling = {};
  double cheap_recall = 0.995;  ///< share of the positives that the cheap gate must let pass
};

/// Optional for gates: threshold and probability can be chosen on samples, or all weights fitted.
template <class G>
concept calibratable_gate = requires(G& g, std::span<const gate_sample> samples, const gate_fit_options& options) {
  g.calibrate(samples, options);
};
template <class G>
concept fittable_gate = requires(G& g, std::span<const gate_sample> samples, const gate_fit_options& options) {
  g.fit(samples, options);
};

}  // namespace quipu::eren

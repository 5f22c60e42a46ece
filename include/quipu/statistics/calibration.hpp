/// @file From scores to probabilities and decisions: Platt, isotonic, conformal and best-quality thresholds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/statistics/logistic_model.hpp>  // sigmoid

namespace quipu::statistics {

/// probability = sigmoid(slope score + offset)
struct platt_scaling {
  double slope = 1, offset = 0;
  [[nodiscard]] double operator()(double score) const noexcept { return sigmoid(slope * score + offset); }
};

/// Fits Platt's sigmoid with his smoothed targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), by Newton steps
/// (Platt 1999; Lin, Lin and Weng 2007, algorithm 1).
/// @throws config_error, shape_error, numeric_error
[[nodiscard]] platt_scaling fit_platt(std::span<const double> scores, std::span<const std::uint8_t> labels);

/// A step function that never falls: the least-squares fit of 0/1 outcomes by score.
class isotonic_scaling {
 public:
  /// Pools neighbours that are out of order (Ayer and others 1955). Equal scores are one point.
  /// @throws config_error, shape_error, numeric_error
  isotonic_scaling(std::span<const double> scores, std::span<const std::uint8_t> labels);
  /// Linear between the blocks, constant beyond the outermost ones.
  [[nodiscard]] double operator()(double score) const noexcept {
    if (score <= knots_.front().first) return knots_.front().second;
    if (score >= knots_.back().first) return knots_.back().second;
    const auto above = std::upper_bound(knots_.begin(), knots_.end(), score,
                                        [](double s, const auto& knot) { return s < knot.first; });
    const auto& [x0, y0] = *(above - 1);
    const auto& [x1, y1] = *above;
    return y0 + (y1 - y0) * (score - x0) / (x1 - x0);
  }
  [[nodiscard]] std::span<const std::pair<double, double>> knots() const noexcept { return knots_; }

 private:
  std::vector<std::pair<double, double>> knots_;  // (score, probability), both ascending
};

/// Split conformal threshold: a note is used if its score is **above** the value returned. For negatives
/// that are exchangeable with the calibration ones the chance of a false override is then at most
/// `damage`. Negatives made from the notes themselves are not exchangeable with users' questions: for those
/// the rate is a goal, not a guarantee.
///
/// @param negatives  scores of questions that no note should change
/// @param damage     between 0 and 1, for example 0.01
/// @throws config_error  damage out of range, or fewer negatives than 1 / damage - 1
/// @throws numeric_error a score is NaN
[[nodiscard]] double conformal_threshold(std::span<const double> negatives, double damage);

/// The threshold with the highest `quality(threshold)` among the scores' quantiles, the lowest of several;
/// a note is used if its score is at least the threshold.
/// @throws config_error  no score
template <class Quality>
[[nodiscard]] double best_threshold(std::span<const double> scores, Quality&& quality, std::size_t n_candidate = 400) {
  if (scores.empty() || n_candidate < 2)
    fail<config_error>("best_threshold", "scores and two candidates", scores.size());
  std::vector<double> sorted(scores.begin(), scores.end());
  std::sort(sorted.begin(), sorted.end());
  double best = sorted.front(), highest = -std::numeric_limits<double>::infinity(), last = std::nan("");
  for (std::size_t i = 0; i < n_candidate; ++i) {
    const double candidate = sorted[i * (sorted.size() - 1) / (n_candidate - 1)];
    if (candidate == last) continue;
    last = candidate;
    if (const double found = quality(candidate); found > highest) {
      highest = found;
      best = candidate;
    }
  }
  return best;
}

}  // namespace quipu::statistics

#if !defined(QUIPU_COMPILED)
#include <quipu/statistics/calibration.ipp>
#endif

/// @file Numbers that say how good an editor, a ranking or a probability is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>

namespace quipu::report {

/// Hits among trials. A rate of nothing does not exist, rather than being 0 or NaN.
struct tally {
  std::size_t hits = 0;
  std::size_t trials = 0;

  constexpr void count(bool hit) noexcept {
    hits += hit ? 1 : 0;
    ++trials;
  }
  constexpr tally& operator+=(const tally& other) noexcept {
    hits += other.hits;
    trials += other.trials;
    return *this;
  }
  /// 0..1
  [[nodiscard]] constexpr std::optional<double> rate() const noexcept {
    if (trials == 0) return std::nullopt;
    return static_cast<double>(hits) / static_cast<double>(trials);
  }
};

/// Harmonic mean of two rates, 0 if both are 0; nothing if one of them does not exist. Edit quality
/// (EQ) is that of edit success and behaviour preservation.
[[nodiscard]] constexpr std::optional<double> harmonic_mean(std::optional<double> a, std::optional<double> b) noexcept {
  if (!a || !b) return std::nullopt;
  return *a + *b > 0 ? 2 * *a * *b / (*a + *b) : 0.0;
}

/// Mean of two rates with weights; of one of them if the other does not exist or weighs nothing.
[[nodiscard]] constexpr std::optional<double> weighted_mean(std::optional<double> a, double weight_a,
                                                            std::optional<double> b, double weight_b) noexcept {
  if (!a || weight_a == 0) return b;
  if (!b || weight_b == 0) return a;
  return (weight_a * *a + weight_b * *b) / (weight_a + weight_b);
}

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counted half.
/// Nothing if one of them is missing. @throws numeric_error  a score is NaN
[[nodiscard]] std::optional<double> auroc(std::span<const double> positives, std::span<const double> negatives);

/// Mean squared difference between probability and what happened; nothing for no forecasts.
[[nodiscard]] std::optional<double> brier_score(std::span<const double> probabilities,
                                                std::span<const std::uint8_t> happened);

/// One bin of a reliability diagram.
struct calibration_bin {
  double low = 0, high = 0;      ///< probabilities low <= p < high; the last bin holds 1 too
  std::size_t n = 0;
  double mean_probability = 0;   ///< 0 if n is 0
  double frequency = 0;          ///< of what happened; 0 if n is 0
};

/// @throws shape_error   different lengths or no bin
/// @throws numeric_error a probability outside 0..1
[[nodiscard]] std::vector<calibration_bin> reliability_diagram(std::span<const double> probabilities,
                                                               std::span<const std::uint8_t> happened,
                                                               std::size_t n_bin = 10);

/// Expected calibration error: the mean distance between probability and frequency over the bins, by their
/// share of the forecasts; nothing for no forecasts.
[[nodiscard]] std::optional<double> expected_calibration_error(std::span<const double> probabilities,
                                                               std::span<const std::uint8_t> happened,
                                                               std::size_t n_bin = 10);

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/metrics.ipp>
#endif

// What metrics.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/report/metrics.hpp>

namespace quipu::report {

QUIPU_INLINE std::optional<double> auroc(std::span<const double> positives, std::span<const double> negatives) {
  if (positives.empty() || negatives.empty()) return std::nullopt;
  std::vector<std::pair<double, bool>> all;
  for (const double score : positives) all.emplace_back(score, true);
  for (const double score : negatives) all.emplace_back(score, false);
  for (const auto& [score, positive] : all) {
    if (std::isnan(score)) throw numeric_error("auroc: a score is not a number");
  }
  std::sort(all.begin(), all.end());
  double wins = 0;  // of positives over the negatives below them
  std::size_t below = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i, tied_positives = 0;
    while (end < all.size() && all[end].first == all[i].first) tied_positives += all[end++].second ? 1 : 0;
    const std::size_t tied_negatives = end - i - tied_positives;
    wins +=
        static_cast<double>(tied_positives) * (static_cast<double>(below) + 0.5 * static_cast<double>(tied_negatives));
    below += tied_negatives;
    i = end;
  }
  return wins / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

QUIPU_INLINE std::optional<double> brier_score(std::span<const double> probabilities,
                                               std::span<const std::uint8_t> happened) {
  if (probabilities.size() != happened.size()) {
    fail<shape_error>("brier_score", concat(probabilities.size(), " outcomes"), happened.size());
  }
  if (probabilities.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double miss = probabilities[i] - (happened[i] != 0 ? 1.0 : 0.0);
    sum += miss * miss;
  }
  return sum / static_cast<double>(probabilities.size());
}

QUIPU_INLINE std::vector<calibration_bin> reliability_diagram(std::span<const double> probabilities,
                                                              std::span<const std::uint8_t> happened,
                                                              std::size_t n_bin) {
  if (probabilities.size() != happened.size()) {
    fail<shape_error>("reliability_diagram", concat(probabilities.size(), " outcomes"), happened.size());
  }
  if (n_bin == 0) fail<shape_error>("reliability_diagram", "at least one bin", n_bin);
  std::vector<calibration_bin> bins(n_bin);
  const auto count = static_cast<double>(n_bin);
  for (std::size_t b = 0; b < n_bin; ++b) {
    bins[b].low = static_cast<double>(b) / count;
    bins[b].high = static_cast<double>(b + 1) / count;
  }
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    if (!(p >= 0 && p <= 1)) fail<numeric_error>("reliability_diagram", "probabilities in 0..1", p);
    calibration_bin& bin = bins[std::min(n_bin - 1, static_cast<std::size_t>(p * count))];
    ++bin.n;
    bin.mean_probability += p;
    bin.frequency += happened[i] != 0 ? 1 : 0;
  }
  for (calibration_bin& bin : bins) {
    if (bin.n == 0) continue;
    bin.mean_probability /= static_cast<double>(bin.n);
    bin.frequency /= static_cast<double>(bin.n);
  }
  return bins;
}

QUIPU_INLINE std::optional<double> expected_calibration_error(std::span<const double> probabilities,
                                                              std::span<const std::uint8_t> happened,
                                                              std::size_t n_bin) {
  double sum = 0;
  for (const calibration_bin& bin : reliability_diagram(probabilities, happened, n_bin)) {
    sum += static_cast<double>(bin.n) * std::abs(bin.mean_probability - bin.frequency);
  }
  if (probabilities.empty()) return std::nullopt;
  return sum / static_cast<double>(probabilities.size());
}

}  // namespace quipu::report

/// @file Confidence intervals by resampling.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

namespace quipu::report {

struct bootstrap_options {
  std::size_t n_resample = 1000;
  double confidence = 0.95;  ///< between 0 and 1
  std::uint64_t seed = 0;
};

struct interval {
  double low = 0, high = 0;
};

/// The q-quantile of sorted values by linear interpolation. @pre not empty, 0 <= q <= 1
[[nodiscard]] inline double sorted_quantile(std::span<const double> sorted, double q) noexcept {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

/// Percentile bootstrap over independent units (edits, say, whose questions belong together): draws as many
/// units as there are, with repeats, and computes the statistic of the draw, again and again.
///
/// @param n_unit     number of units
/// @param statistic  (span of unit numbers) -> optional<double>; draws without a value are left out
/// @return nothing if no draw had a value
/// @throws config_error  options out of range
template <class Statistic>
[[nodiscard]] std::optional<interval> bootstrap_interval(std::size_t n_unit, Statistic&& statistic,
                                                         const bootstrap_options& options = {}) {
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fail<config_error>("bootstrap: confidence", "between 0 and 1", options.confidence);
  }
  if (options.n_resample == 0) fail<config_error>("bootstrap: resamples", "at least 1", 0);
  if (n_unit > UINT32_MAX) fail<config_error>("bootstrap: units", "below 2^32", n_unit);
  if (n_unit == 0) return std::nullopt;
  std::vector<std::size_t> draw(n_unit);
  std::vector<double> values;
  for (std::size_t r = 0; r < options.n_resample; ++r) {
    random_stream random(options.seed, r);  // each resample has a stream of its own
    for (std::size_t& unit : draw) unit = random.below(static_cast<std::uint32_t>(n_unit));
    const std::optional<double> value = statistic(std::span<const std::size_t>(draw));
    if (value) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.confidence) / 2;
  return interval{sorted_quantile(values, tail), sorted_quantile(values, 1 - tail)};
}

}  // namespace quipu::report

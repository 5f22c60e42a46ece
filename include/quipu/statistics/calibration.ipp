// What calibration.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/statistics/calibration.hpp>
#include <quipu/statistics/logistic_model.hpp>  // sigmoid

namespace quipu::statistics {

namespace detail {

inline void check_scores(const char* place, std::span<const double> scores, std::span<const std::uint8_t> labels) {
  if (scores.size() != labels.size()) fail<shape_error>(concat(place, ": labels"), scores.size(), labels.size());
  if (scores.empty()) fail<config_error>(concat(place, ": scores"), "at least one", 0);
  for (const double score : scores) {
    if (!std::isfinite(score)) fail<numeric_error>(concat(place, ": scores"), "finite numbers", score);
  }
}

}  // namespace detail

QUIPU_INLINE platt_scaling fit_platt(std::span<const double> scores, std::span<const std::uint8_t> labels) {
  detail::check_scores("fit_platt", scores, labels);
  std::size_t n_positive = 0;
  for (const std::uint8_t label : labels) n_positive += label != 0 ? 1 : 0;
  const auto positives = static_cast<double>(n_positive), negatives = static_cast<double>(labels.size() - n_positive);
  if (n_positive == 0 || n_positive == labels.size())
    fail<config_error>("fit_platt: labels", "both classes", concat(n_positive, " positives of ", labels.size()));
  const double high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2);
  platt_scaling fit{0, std::log((positives + 1) / (negatives + 1))};
  const auto loss = [&](const platt_scaling& at) {
    double sum = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double z = at.slope * scores[i] + at.offset, t = labels[i] != 0 ? high : low;
      sum += (z > 0 ? std::log1p(std::exp(-z)) + z : std::log1p(std::exp(z))) - t * z;
    }
    return sum;
  };
  double value = loss(fit);
  for (int step = 0; step < 100; ++step) {
    double g_slope = 0, g_offset = 0, h_ss = 1e-12, h_so = 0, h_oo = 1e-12;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double p = fit(scores[i]), miss = p - (labels[i] != 0 ? high : low), curve = p * (1 - p);
      g_slope += scores[i] * miss;
      g_offset += miss;
      h_ss += scores[i] * scores[i] * curve;
      h_so += scores[i] * curve;
      h_oo += curve;
    }
    if (std::abs(g_slope) < 1e-9 && std::abs(g_offset) < 1e-9) break;
    const double determinant = h_ss * h_oo - h_so * h_so;
    const double d_slope = (h_oo * g_slope - h_so * g_offset) / determinant,
                 d_offset = (h_ss * g_offset - h_so * g_slope) / determinant;
    double length = 1;
    for (; length > 1e-10; length /= 2) {
      const platt_scaling next{fit.slope - length * d_slope, fit.offset - length * d_offset};
      const double next_value = loss(next);
      if (next_value < value) {
        fit = next;
        value = next_value;
        break;
      }
    }
    if (length <= 1e-10) break;  // as low as doubles go
  }
  return fit;
}

QUIPU_INLINE isotonic_scaling::isotonic_scaling(std::span<const double> scores, std::span<const std::uint8_t> labels) {
  detail::check_scores("isotonic_scaling", scores, labels);
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < scores.size(); ++i) points.emplace_back(scores[i], labels[i] != 0 ? 1 : 0);
  std::sort(points.begin(), points.end());
  struct block {
    double first, last, sum, n;
  };
  std::vector<block> blocks;
  for (std::size_t i = 0; i < points.size();) {
    block b{points[i].first, points[i].first, 0, 0};
    for (; i < points.size() && points[i].first == b.first; ++i, ++b.n) b.sum += points[i].second;
    blocks.push_back(b);
    while (blocks.size() > 1 &&
           blocks[blocks.size() - 2].sum * blocks.back().n >= blocks.back().sum * blocks[blocks.size() - 2].n) {
      const block last = blocks.back();
      blocks.pop_back();
      blocks.back().last = last.last;
      blocks.back().sum += last.sum;
      blocks.back().n += last.n;
    }
  }
  for (const block& b : blocks) {
    knots_.emplace_back(b.first, b.sum / b.n);
    if (b.last > b.first) knots_.emplace_back(b.last, b.sum / b.n);
  }
}

QUIPU_INLINE double conformal_threshold(std::span<const double> negatives, double damage) {
  if (!(damage > 0 && damage < 1)) fail<config_error>("conformal_threshold: damage", "between 0 and 1", damage);
  for (const double score : negatives) {
    if (std::isnan(score)) throw numeric_error("conformal_threshold: a score is not a number");
  }
  const auto n = static_cast<double>(negatives.size());
  // Rounding must not turn a whole number into the next one above.
  const double rank = std::ceil((n + 1) * (1 - damage) - 1e-9);
  if (rank > n) {
    fail<config_error>("conformal_threshold: calibration negatives",
                       concat("at least ", std::ceil(1 / damage - 1 - 1e-9), " for a damage rate of ", damage),
                       negatives.size());
  }
  std::vector<double> sorted(negatives.begin(), negatives.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace quipu::statistics

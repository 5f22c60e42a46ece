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

#include <quipu/core/error.hpp>
#include <quipu/statistics/logistic_model.hpp>  // sigmoid

namespace quipu::statistics {

/// probability = sigmoid(slope score + offset)
struct platt_scaling {
  double slope = 1, offset = 0;
  [[nodiscard]] double operator()(double score) const noexcept { return sigmoid(slope * score + offset); }
};

namespace detail {

inline void check_scores(const char* place, std::span<const double> scores, std::span<const std::uint8_t> labels) {
  if (scores.size() != labels.size()) fail<shape_error>(concat(place, ": labels"), scores.size(), labels.size());
  if (scores.empty()) fail<config_error>(concat(place, ": scores"), "at least one", 0);
  for (const double score : scores) {
    if (!std::isfinite(score)) fail<numeric_error>(concat(place, ": scores"), "finite numbers", score);
  }
}

}  // namespace detail

/// Fits Platt's sigmoid with his smoothed targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), by Newton steps
/// (Platt 1999; Lin, Lin and Weng 2007, algorithm 1).
/// @throws config_error, shape_error, numeric_error
[[nodiscard]] inline platt_scaling fit_platt(std::span<const double> scores, std::span<const std::uint8_t> labels) {
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

/// A step function that never falls: the least-squares fit of 0/1 outcomes by score.
class isotonic_scaling {
 public:
  /// Pools neighbours that are out of order (Ayer and others 1955). Equal scores are one point.
  /// @throws config_error, shape_error, numeric_error
  isotonic_scaling(std::span<const double> scores, std::span<const std::uint8_t> labels) {
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
[[nodiscard]] inline double conformal_threshold(std::span<const double> negatives, double damage) {
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

/// @file A regularisation factor that seeks a sparsity, and schedules that follow what is measured.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/schedule/schedule.hpp>

namespace quipu::schedule {

/// Optional: a schedule whose factors depend on what was measured. It is told of every step that is done; `state()` and
/// `restore` carry what it remembers through checkpoints, exactly.
template <class S>
concept following_schedule =
    schedule_policy<S> && requires(S& s, const S& k, std::size_t t, double measured, std::span<const double> saved) {
      s.follow(t, measured);
      { k.state() } -> std::convertible_to<std::vector<double>>;
      s.restore(saved);
    };

/// What a `seeking_lambda` is asked for.
struct seeking_settings {
  double target = 0.8;         ///< share of inactive entries that is sought, in 0 .. 1, neither of them
  double first = 0.1;          ///< factor of the first steps, above 0
  double growth = 1.2;         ///< above 1: what the factor is multiplied with or divided by
  std::size_t every = 10;      ///< steps between two changes; their mean sparsity decides
  std::size_t start = 0;       ///< steps before the regularisation begins
  double smallest = 1e-6, largest = 1e3;  ///< bounds of the factor
};

/// A factor that rises while the sparsity is below a target and falls while it is above: every k steps it is multiplied
/// with `growth` or divided by it. Source: the L1 baseline of Song et al. 2025, "BlockFFN".
class seeking_lambda {
 public:
  /// @throws config_error  settings outside what they say
  explicit seeking_lambda(seeking_settings s = {}) : s_(s), factor_(s.first) {
    if (!(s.target > 0 && s.target < 1)) fail<config_error>("seeking_lambda: target", "a share above 0 and below 1", s.target);
    if (!(s.growth > 1 && std::isfinite(s.growth))) fail<config_error>("seeking_lambda: growth", "a number above 1", s.growth);
    if (s.every == 0) fail<config_error>("seeking_lambda: every", "at least 1 step", 0);
    if (!(s.smallest > 0 && s.smallest <= s.largest && std::isfinite(s.largest)))
      fail<config_error>("seeking_lambda: bounds", "0 < smallest <= largest", concat(s.smallest, ", ", s.largest));
    if (!(s.first >= s.smallest && s.first <= s.largest))
      fail<config_error>("seeking_lambda: first factor", concat(s.smallest, " .. ", s.largest), s.first);
  }

  [[nodiscard]] const seeking_settings& settings() const noexcept { return s_; }

  /// @param t  step counted from 1; those after the last one that `follow` was told of have its factor
  [[nodiscard]] double operator()(std::size_t t) const noexcept { return t > s_.start ? factor_ : 0; }

  /// @param t         step that is done, counted from 1
  /// @param measured  its share of inactive entries
  void follow(std::size_t t, double measured) noexcept {
    if (t <= s_.start) return;
    sum_ += measured;
    n_seen_ += 1;
    if (n_seen_ < static_cast<double>(s_.every)) return;
    factor_ = sum_ / n_seen_ < s_.target ? factor_ * s_.growth : factor_ / s_.growth;
    factor_ = std::clamp(factor_, s_.smallest, s_.largest);
    sum_ = n_seen_ = 0;
  }

  [[nodiscard]] std::vector<double> state() const { return {factor_, sum_, n_seen_}; }
  /// @throws format_error  not what `state` gave; nothing has changed then
  void restore(std::span<const double> saved) {
    if (saved.size() != 3 || !(saved[0] >= s_.smallest && saved[0] <= s_.largest) || !std::isfinite(saved[1]) ||
        !(saved[2] >= 0 && saved[2] < static_cast<double>(s_.every))) {
      fail<format_error>("seeking_lambda: saved state", "factor, sum of sparsities and steps, as of these settings",
                         concat(saved.size(), " numbers that are not"));
    }
    factor_ = saved[0];
    sum_ = saved[1];
    n_seen_ = saved[2];
  }

 private:
  seeking_settings s_;
  double factor_;
  double sum_ = 0, n_seen_ = 0;  // sparsities since the last change
};

static_assert(following_schedule<seeking_lambda> && !following_schedule<sine_stages>);

}  // namespace quipu::schedule

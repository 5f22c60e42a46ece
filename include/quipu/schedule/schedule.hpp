/// @file Schedules: factors as pure functions of the step, so that a resumed run meets the same ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::schedule {

/// Role `schedule`: s(step) is the factor in force for optimiser step `step`, counted from 0.
template <class S>
concept schedule_policy = std::copyable<S> && requires(const S& s, std::size_t step) {
  { s(step) } -> std::convertible_to<double>;
};

/// Rising from 0 to 1 in `n` steps; 1 from then on and if n is 0.
[[nodiscard]] inline double warm_up(std::size_t step, std::size_t n) noexcept {
  return step < n ? static_cast<double>(step) / static_cast<double>(n) : 1.0;
}

/// How far `step` is between the end of the warm-up and `total`, in 0 .. 1.
[[nodiscard]] inline double progress(std::size_t step, std::size_t n_warm_up, std::size_t total) noexcept {
  if (step <= n_warm_up) return 0;
  const double whole = static_cast<double>(std::max<std::size_t>(total > n_warm_up ? total - n_warm_up : 0, 1));
  return std::min(1.0, static_cast<double>(step - n_warm_up) / whole);
}

/// 1 after the warm-up.
struct constant {
  std::size_t n_warm_up = 0;

  [[nodiscard]] double operator()(std::size_t step) const noexcept { return warm_up(step, n_warm_up); }
};

/// Falls in a straight line to `last` at step `total`, and stays there.
struct linear {
  std::size_t n_warm_up = 0;
  std::size_t total = 1;
  double last = 0;

  [[nodiscard]] double operator()(std::size_t step) const noexcept {
    if (step < n_warm_up) return warm_up(step, n_warm_up);
    return 1.0 - (1.0 - last) * progress(step, n_warm_up, total);
  }
};

/// Falls in a straight line from the first step to 0 at step `total`; the first `n_warm_up` steps are damped on top of
/// it, from 1 / n_warm_up, so that no step is without effect.
struct damped_linear {
  std::size_t n_warm_up = 10;
  std::size_t total = 1;  ///< above 0

  [[nodiscard]] double operator()(std::size_t step) const noexcept {
    const double rising =
        n_warm_up == 0 ? 1 : std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(n_warm_up));
    return rising * (1 - static_cast<double>(step) / static_cast<double>(total));
  }
};

/// Falls along half a cosine to `last` at step `total`, and stays there. Source: Loshchilov, Hutter 2016,
/// eq. (5), without restarts.
struct cosine {
  std::size_t n_warm_up = 0;
  std::size_t total = 1;
  double last = 0;

  [[nodiscard]] double operator()(std::size_t step) const noexcept {
    if (step < n_warm_up) return warm_up(step, n_warm_up);
    const double half_wave = 0.5 * (1.0 + std::cos(std::numbers::pi * progress(step, n_warm_up, total)));
    return last + (1.0 - last) * half_wave;
  }
};

/// ProSparse's regularisation factor: 0 up to `start`, constant in the first stage, then from stage to stage
/// along half sine waves; constant after the last. Source: Song et al. 2024, eq. (5).
class sine_stages {
 public:
  struct stage {
    std::size_t end;  ///< last step of the stage, counted from 1
    double factor;    ///< reached at `end`
  };

  sine_stages() = default;
  /// @throws config_error  ends that do not rise, or factors that are negative, fall or are not finite
  sine_stages(std::size_t start, std::vector<stage> stages) : start_(start), stages_(std::move(stages)) {
    std::size_t before = start;
    double factor = 0;
    for (const stage& s : stages_) {
      if (s.end <= before) fail<config_error>("sine_stages: end of a stage", concat("more than ", before), s.end);
      if (!(s.factor >= factor) || !std::isfinite(s.factor)) {
        fail<config_error>("sine_stages: factor of a stage", concat("at least ", factor), s.factor);
      }
      before = s.end;
      factor = s.factor;
    }
  }

  /// @param t  step counted from 1, as the paper does
  [[nodiscard]] double operator()(std::size_t t) const noexcept {
    if (stages_.empty() || t <= start_) return 0;
    const auto found = std::lower_bound(stages_.begin(), stages_.end(), t,
                                        [](const stage& s, std::size_t step) { return s.end < step; });
    if (found == stages_.end()) return stages_.back().factor;
    if (found == stages_.begin() || t == found->end) return found->factor;
    const stage& before = *(found - 1);
    const double part = static_cast<double>(t - before.end) / static_cast<double>(found->end - before.end);
    const double wave = 0.5 * (std::sin(std::numbers::pi * (part - 0.5)) + 1.0);
    return before.factor + wave * (found->factor - before.factor);
  }

  [[nodiscard]] std::size_t start() const noexcept { return start_; }
  [[nodiscard]] const std::vector<stage>& stages() const noexcept { return stages_; }

 private:
  std::size_t start_ = 0;
  std::vector<stage> stages_;
};

static_assert(schedule_policy<constant> && schedule_policy<linear> && schedule_policy<damped_linear> &&
              schedule_policy<cosine> && schedule_policy<sine_stages>);

}  // namespace quipu::schedule

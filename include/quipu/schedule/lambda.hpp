/// @file Factors of a regularisation, by the step: constant, linear, sine, in stages; those that ProSparse was trained with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/schedule/schedule.hpp>

namespace quipu::schedule {

/// A schedule that counts its steps from another one: `shifted{s, 1}` gives step 0 what s gives step 1, as references do
/// that count from 1.
template <schedule_policy Schedule>
struct shifted {
  Schedule schedule{};
  std::size_t n_step = 1;

  [[nodiscard]] double operator()(std::size_t step) const { return schedule(step + n_step); }
};
template <class Schedule>
shifted(Schedule, std::size_t) -> shifted<Schedule>;

namespace detail {

/// @throws config_error  negative or not finite
inline double checked_factor(std::string_view what, double factor) {
  if (!(factor >= 0 && std::isfinite(factor))) fail<config_error>(std::string(what), "a finite factor of at least 0", factor);
  return factor;
}

}  // namespace detail

// Lambdas take the step counted from 1, as the paper does: lambda(t) is in force in step t.

/// The same factor from step `start` + 1 on, 0 before.
class constant_lambda {
 public:
  constant_lambda() = default;
  /// @throws config_error  a factor that is negative or not finite
  explicit constant_lambda(double factor, std::size_t start = 0)
      : factor_(detail::checked_factor("constant_lambda: factor", factor)), start_(start) {}

  [[nodiscard]] double operator()(std::size_t t) const noexcept { return t > start_ ? factor_ : 0; }

 private:
  double factor_ = 0;
  std::size_t start_ = 0;
};

/// What rises from 0 at step `start` to a factor at step `end`, and stays there: the base of the two that follow.
class rising_lambda {
 public:
  /// @throws config_error  an end that is not after the start, a factor that is negative or not finite
  rising_lambda(std::size_t start, std::size_t end, double factor)
      : start_(start), end_(end), factor_(detail::checked_factor("rising_lambda: factor", factor)) {
    if (end <= start) fail<config_error>("rising_lambda: end", concat("more than ", start), end);
  }

 protected:
  [[nodiscard]] double factor() const noexcept { return factor_; }
  /// How far step t is, in 0 .. 1.
  [[nodiscard]] double part(std::size_t t) const noexcept {
    if (t <= start_) return 0;
    return t >= end_ ? 1 : static_cast<double>(t - start_) / static_cast<double>(end_ - start_);
  }

 private:
  std::size_t start_, end_;
  double factor_;
};

/// Rises in a straight line.
struct linear_lambda : rising_lambda {
  using rising_lambda::rising_lambda;
  [[nodiscard]] double operator()(std::size_t t) const noexcept { return factor() * part(t); }
};

/// Rises along half a sine wave, level at both ends.
struct sine_lambda : rising_lambda {
  using rising_lambda::rising_lambda;
  [[nodiscard]] double operator()(std::size_t t) const noexcept {
    return factor() * (0.5 * (std::sin(std::numbers::pi * (part(t) - 0.5)) + 1.0));
  }
};

/// Stages as the paper's tables list them: accumulated last steps and the factors reached there. The factor of the first
/// stage holds throughout it; that is 0 where a model first gets used to its activation.
/// @throws config_error  no stages, another number of factors, ends that do not rise, factors that fall or are no numbers
[[nodiscard]] inline sine_stages stages_of(const std::vector<std::size_t>& ends, const std::vector<double>& factors) {
  if (ends.empty() || factors.size() != ends.size())
    fail<config_error>("stages_of: factors", concat("one for each of at least one stage (", ends.size(), ")"), factors.size());
  const bool begins_at_zero = factors.front() == 0;
  std::vector<sine_stages::stage> stages;
  for (std::size_t i = begins_at_zero ? 1 : 0; i < ends.size(); ++i) stages.push_back({ends[i], factors[i]});
  if (begins_at_zero && ends.front() == 0) fail<config_error>("stages_of: end of a stage", "at least 1", 0);
  return sine_stages(begins_at_zero ? ends.front() : 0, std::move(stages));
}

/// Stages, and another factor from a step on: a last phase with less regularisation, or none.
struct stages_then_constant {
  sine_stages stages;
  std::size_t end = 0;    ///< last step of the stages, counted from 1
  double factor = 0;      ///< in force after it

  [[nodiscard]] double operator()(std::size_t t) const noexcept { return t <= end ? stages(t) : factor; }
};

/// LLaMA2-7B, 512 x 4,096 tokens a step. Source: Song et al. 2024, the table of the 7B setting.
[[nodiscard]] inline sine_stages prosparse_7b() {
  return stages_of({5000, 6000, 10000, 12000, 16000, 16500}, {0, 5e-3, 5e-2, 5e-2, 2e-1, 2e-1});
}
/// LLaMA2-13B, 2,048 x 4,096 tokens a step. Source: Song et al. 2024, the table of the 13B setting.
[[nodiscard]] inline sine_stages prosparse_13b() {
  return stages_of({5500, 6750, 10750, 11000, 15000, 16000}, {0, 5e-3, 1e-2, 1e-2, 2e-2, 2e-2});
}
/// MiniCPM-1B, 1,200 x 4,096 tokens a step: stages, the decay phase at their last factor up to step 95,000, and supervised
/// fine-tuning with less up to step 101,000. Source: Song et al. 2024, the table of the 1B setting.
[[nodiscard]] inline stages_then_constant prosparse_1b() {
  return {stages_of({10000, 15000, 20000, 25000, 35000}, {0, 1e-3, 5e-3, 5e-3, 5e-2}), 95000, 1e-2};
}

static_assert(schedule_policy<shifted<cosine>> && schedule_policy<constant_lambda> && schedule_policy<linear_lambda> &&
              schedule_policy<sine_lambda> && schedule_policy<stages_then_constant>);

}  // namespace quipu::schedule

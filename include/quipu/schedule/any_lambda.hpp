/// @file Any regularisation factor of the library, chosen while a program runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/schedule/lambda.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/schedule/seeking_lambda.hpp>

namespace quipu::schedule {

/// One of the library's lambdas; 0 if none was given.
class any_lambda {
 public:
  using held_type = std::variant<constant_lambda, linear_lambda, sine_lambda, sine_stages, stages_then_constant, seeking_lambda>;

  any_lambda() = default;
  template <class Lambda>
    requires std::constructible_from<held_type, Lambda>
  any_lambda(Lambda lambda) : held_(std::move(lambda)) {}

  /// @param t  step counted from 1
  [[nodiscard]] double operator()(std::size_t t) const {
    return std::visit([t](const auto& l) { return static_cast<double>(l(t)); }, held_);
  }
  /// Whether the factors depend on what is measured.
  [[nodiscard]] bool follows() const noexcept { return std::holds_alternative<seeking_lambda>(held_); }

  void follow(std::size_t t, double measured) {
    if (auto* l = std::get_if<seeking_lambda>(&held_)) l->follow(t, measured);
  }
  [[nodiscard]] std::vector<double> state() const {
    const auto* l = std::get_if<seeking_lambda>(&held_);
    return l == nullptr ? std::vector<double>() : l->state();
  }
  /// @throws format_error  not what `state` gave
  void restore(std::span<const double> saved) {
    if (auto* l = std::get_if<seeking_lambda>(&held_)) return l->restore(saved);
    if (!saved.empty()) fail<format_error>("any_lambda: saved state", "none, as of a fixed schedule", concat(saved.size(), " numbers"));
  }

 private:
  held_type held_;
};

static_assert(following_schedule<any_lambda>);

}  // namespace quipu::schedule

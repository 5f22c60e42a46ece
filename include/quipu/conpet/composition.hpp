/// @file From the logits of several tasks' heads to one probability for each class: the role `composition`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/number_text.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/statistics/temperature.hpp>  // log_sum_exp

namespace quipu::role {
struct composition {};
}  // namespace quipu::role

namespace quipu::conpet {

/// What one of the chosen tasks says of a text.
struct task_opinion {
  std::size_t task = 0;
  double probability = 0;     ///< that the text is the task's, by the selector
  std::vector<float> logits;  ///< of the task's classes
  double temperature = 1;     ///< of its head, fitted on validation texts
};

/// Role `composition`: copyable; `operator()(opinions, n_other)` gives a probability for each class of each opinion, in their order;
/// n_other is the number of classes of tasks that were not asked. The opinion that the selector likes most comes first.
template <class C>
concept composition = std::copyable<C> && requires(const C& c, std::span<const task_opinion> opinions, std::size_t n_other) {
  { c(opinions, n_other) } -> std::same_as<std::vector<std::vector<double>>>;
  { c.identity() } -> std::convertible_to<std::string>;
};

/// Says in one sentence what a type lacks to compose.
template <class C>
consteval void explain_composition() {
  static_assert(composition<C>,
                "composition: it must be copyable, with 'std::vector<std::vector<double>> operator()(std::span<const task_opinion>, std::size_t "
                "n_other) const' and 'std::string identity() const'");
}

namespace detail {

[[nodiscard]] inline std::vector<double> softmax(const task_opinion& o, double temperature, double factor) {
  const double whole = statistics::log_sum_exp(o.logits, temperature);
  std::vector<double> p;
  for (const float z : o.logits) p.push_back(factor * std::exp(static_cast<double>(z) / temperature - whole));
  return p;
}

[[nodiscard]] inline std::vector<std::vector<double>> weighted(std::span<const task_opinion> opinions, bool calibrated) {
  double sum = 0;
  for (const task_opinion& o : opinions) sum += o.probability;
  std::vector<std::vector<double>> all;
  for (const task_opinion& o : opinions) {
    // Selectors that are sure of nothing among those asked leave the choice to the heads.
    const double share = sum > 0 ? o.probability / sum : 1 / static_cast<double>(opinions.size());
    all.push_back(softmax(o, calibrated ? o.temperature : 1, share));
  }
  return all;
}

}  // namespace detail

/// All logits side by side, `null` for the classes of tasks that were not asked: ConPET's own composition, section 7.2 of its code.
struct raw_logits {
  using policy_role = role::composition;
  double null = -100;

  [[nodiscard]] std::string identity() const { return concat("raw logits ", exact_text(null)); }
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const task_opinion> opinions, std::size_t n_other) const {
    std::vector<float> together;
    for (const task_opinion& o : opinions) together.insert(together.end(), o.logits.begin(), o.logits.end());
    together.insert(together.end(), n_other, static_cast<float>(null));
    const double whole = statistics::log_sum_exp(together, 1);
    std::vector<std::vector<double>> all;
    for (const task_opinion& o : opinions) {
      all.emplace_back();
      for (const float z : o.logits) all.back().push_back(std::exp(static_cast<double>(z) - whole));
    }
    return all;
  }
};

/// The task that the selector likes most decides alone.
struct hard_route {
  using policy_role = role::composition;
  [[nodiscard]] static std::string identity() { return "hard route"; }
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const task_opinion> opinions, std::size_t) const {
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < opinions.size(); ++i) all.push_back(detail::softmax(opinions[i], 1, i == 0 ? 1 : 0));
    return all;
  }
};

/// p(class) = p(task) p(class | task), with the selector's probability among the tasks that were asked.
struct selector_weighted {
  using policy_role = role::composition;
  [[nodiscard]] static std::string identity() { return "selector-weighted"; }
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const task_opinion> opinions, std::size_t) const {
    return detail::weighted(opinions, false);
  }
};

/// The same with each head's logits divided by its temperature.
struct calibrated {
  using policy_role = role::composition;
  [[nodiscard]] static std::string identity() { return "calibrated"; }
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const task_opinion> opinions, std::size_t) const {
    return detail::weighted(opinions, true);
  }
};

static_assert(composition<raw_logits> && composition<hard_route> && composition<selector_weighted> && composition<calibrated>);

}  // namespace quipu::conpet

/// @file What searches for thresholds work with: a model's layers on a text, and what levels cost on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <vector>

#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/sparsity/scores.hpp>

namespace quipu::sparsity {

/// Shares of a layer's neurons that a kernel with levels does not leave out, the mean over tokens.
struct layer_shares {
  double first = 1;   ///< after the first criterion
  double second = 1;  ///< after both: rows of down that are read
};

/// What a kernel with levels does to a text.
struct level_cost {
  double perplexity = 0;
  std::vector<layer_shares> layers = {};  ///< (n_layer)

  [[nodiscard]] double mean_first() const noexcept { return mean(&layer_shares::first); }
  [[nodiscard]] double mean_second() const noexcept { return mean(&layer_shares::second); }

 private:
  [[nodiscard]] double mean(double layer_shares::*part) const noexcept {
    double sum = 0;
    for (const layer_shares& each : layers) sum += each.*part;
    return sum / static_cast<double>(layers.size());
  }
};

/// A model and a text, as searches see them.
struct calibration {
  std::size_t n_layer = 0;
  thread_team team = thread_team(1);
  /// Calls the function for each layer in order, with its values on the text under the dense model.
  std::function<void(const std::function<void(const calibrated_layer&)>&)> for_each_layer = {};
  /// Runs the text under levels for the search's own criteria.
  std::function<level_cost(const ffn::sparse_levels&)> measure = {};
};

template <class S>
concept has_criteria = requires {
  requires ffn::sparse_criterion<typename S::first_criterion>;
  requires ffn::sparse_criterion<typename S::second_criterion>;
};
template <class S>
concept has_levels = requires(const S& s, const calibration& c) {
  { s.levels(c) } -> std::same_as<ffn::sparse_levels>;
};

/// Role `threshold_search`: a small value that finds levels for a model on a text.
///
/// | member | meaning |
/// |---|---|
/// | `first_criterion`, `second_criterion` | what the levels are for; see `ffn::threshold_sparse` |
/// | `levels(const calibration&) const` | a `ffn::sparse_levels` |
template <class S>
concept threshold_search = std::copyable<S> && has_criteria<S> && has_levels<S>;

/// Says in one sentence what a type lacks to be a search for thresholds.
template <class S>
consteval void explain_search() {
  if constexpr (!std::copyable<S>) {
    static_assert(std::copyable<S>, "threshold_search: the policy must be copyable");
  } else if constexpr (!has_criteria<S>) {
    static_assert(has_criteria<S>, "threshold_search: declare 'first_criterion' and 'second_criterion', which its levels are for");
  } else {
    static_assert(has_levels<S>, "threshold_search: declare 'ffn::sparse_levels levels(const calibration&) const'");
  }
}

}  // namespace quipu::sparsity

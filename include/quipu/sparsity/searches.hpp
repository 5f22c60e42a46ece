/// @file Searches for thresholds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/sparsity/calibration.hpp>
#include <quipu/sparsity/scores.hpp>

namespace quipu::sparsity {

/// One criterion as the first or the second one of a kernel.
template <class Criterion>
struct only {
  static constexpr bool is_second = Criterion::value == ffn::criterion_value::hidden;
  using first_criterion = std::conditional_t<is_second, ffn::every_neuron, Criterion>;
  using second_criterion = std::conditional_t<is_second, Criterion, ffn::every_neuron>;

  [[nodiscard]] static std::vector<double>& list(ffn::sparse_levels& levels) noexcept { return is_second ? levels.product : levels.first; }
};

namespace detail {
inline void check_share(const char* what, double value) {
  if (!(value >= 0 && value < 1)) fail<config_error>(what, "0 up to 1", value);
}
}  // namespace detail

/// The same share of neurons is left out in every layer: quantiles of the scores.
template <class Criterion = ffn::weighted_gate>
struct quantile : only<Criterion> {
  double share = 0.5;  ///< of neurons and tokens that lie below the level
  Criterion criterion{};

  explicit quantile(double left_out = 0.5, Criterion c = {}) : share(left_out), criterion(std::move(c)) {}

  /// @throws config_error  a share outside 0 .. 1
  [[nodiscard]] ffn::sparse_levels levels(const calibration& c) const {
    detail::check_share("quantile: share", share);
    ffn::sparse_levels found;
    c.for_each_layer([&](const calibrated_layer& layer) {
      auto scores = scores_of(criterion, layer);
      this->list(found).push_back(level_for_share(scores, share));
      found.sizes.push_back(layer.sizes);
    });
    return found;
  }
};

/// Quantiles for two criteria: `first_share` of the neurons below the level of the first, `second_share` of all below either.
template <class First = ffn::weighted_gate, class Second = ffn::hidden_size>
struct two_quantiles {
  using first_criterion = First;
  using second_criterion = Second;
  double first_share = 0.3, second_share = 0.6;
  First first{};
  Second second{};

  /// @throws config_error  shares outside 0 .. 1, or a second share that is below the first
  [[nodiscard]] ffn::sparse_levels levels(const calibration& c) const {
    detail::check_share("two_quantiles: first share", first_share);
    detail::check_share("two_quantiles: second share", second_share);
    if (second_share < first_share) fail<config_error>("two_quantiles: second share", concat("at least the first, ", first_share), second_share);
    ffn::sparse_levels found;
    c.for_each_layer([&](const calibrated_layer& layer) {
      const auto firsts = scores_of(first, layer);
      auto sorted = firsts;
      const double level = level_for_share(sorted, first_share);
      auto seconds = scores_of(second, layer);
      for (std::size_t i = 0; i < seconds.size(); ++i) {
        if (firsts[i] < static_cast<float>(level)) seconds[i] = 0;
      }
      found.first.push_back(level);
      found.product.push_back(level_for_share(seconds, second_share));
      found.sizes.push_back(layer.sizes);
    });
    return found;
  }
};

/// The same error in every layer: the largest level whose CETT is within the budget. Source: Luo et al. 2024, "Sparsing Law",
/// section 3.2; for gates with thresholds of neurons, level / (E|up| norm(down)).
template <class Criterion = ffn::weighted_gate>
struct cett_bisection : only<Criterion> {
  double budget = 0.05;       ///< CETT of each layer
  std::size_t n_token = 512;  ///< of the text that errors are worked out on; 0: all
  Criterion criterion{};
  error_mean mean = error_mean::ratios;  ///< over tokens

  explicit cett_bisection(double cett = 0.05, std::size_t n = 512, Criterion c = {}, error_mean over_tokens = error_mean::ratios)
      : budget(cett), n_token(n), criterion(std::move(c)), mean(over_tokens) {}

  /// @throws config_error  a budget outside 0 .. 1
  [[nodiscard]] ffn::sparse_levels levels(const calibration& c) const {
    detail::check_share("cett_bisection: budget", budget);
    ffn::sparse_levels found;
    c.for_each_layer([&](const calibrated_layer& layer) {
      const auto scores = scores_of(criterion, layer);
      truncation_error error(c.team, layer.hidden, layer.weights->down, n_token, mean);
      this->list(found).push_back(level_for_cett(error, scores, budget));
      found.sizes.push_back(layer.sizes);
    });
    return found;
  }
};

/// One error for the model: all layers leave out what adds less than the same share of their output's length, the largest share at
/// which the mean CETT over layers is within the budget. If contributions of neurons are orthogonal, no other choice leaves out more
/// neurons at the same sum of squared relative errors.
template <class Criterion = ffn::weighted_gate>
struct global_budget : only<Criterion> {
  double budget = 0.05;       ///< mean CETT over layers
  std::size_t n_token = 256;  ///< of the text that errors are worked out on; 0: all
  Criterion criterion{};

  /// Shares that are tried: 2^-12 to 1 in steps of 2^(1/8).
  static constexpr int n_grid = 97;
  [[nodiscard]] static double grid(int i) noexcept { return std::exp2(-12 + i / 8.0); }

  explicit global_budget(double cett = 0.05, std::size_t n = 256, Criterion c = {}) : budget(cett), n_token(n), criterion(std::move(c)) {}

  /// @throws config_error  a budget outside 0 .. 1
  [[nodiscard]] ffn::sparse_levels levels(const calibration& c) const {
    detail::check_share("global_budget: budget", budget);
    ffn::sparse_levels found;
    std::vector<double> errors(n_grid, 0), lengths;
    c.for_each_layer([&](const calibrated_layer& layer) {
      const auto scores = scores_of(criterion, layer);
      truncation_error error(c.team, layer.hidden, layer.weights->down, n_token);
      lengths.push_back(error.output_length());
      found.sizes.push_back(layer.sizes);
      for (int i = 0; i < n_grid; ++i) {
        const double cett = error.of(scores, grid(i) * lengths.back());
        errors[static_cast<std::size_t>(i)] += cett;
        if (cett >= 1) {  // nothing is left of this layer: more is too much in any case
          for (int j = i + 1; j < n_grid; ++j) errors[static_cast<std::size_t>(j)] += cett;
          break;
        }
      }
    });
    double share = 0;
    for (int i = 0; i < n_grid && errors[static_cast<std::size_t>(i)] <= budget * static_cast<double>(c.n_layer); ++i) share = grid(i);
    for (const double length : lengths) this->list(found).push_back(share * length);
    return found;
  }
};

/// One threshold for all gates of a ReLU model: the one of the most sparsity whose perplexity is within `most_loss` of that without.
/// Source: Song et al. 2024, "ProSparse", section 4.4.
struct fatrelu_scan {
  using first_criterion = ffn::gate_size;
  using second_criterion = ffn::every_neuron;
  std::vector<double> thresholds = {0.005, 0.01, 0.02, 0.03};
  double most_loss = 0;  ///< relative, of perplexity

  /// @throws config_error  negative or no thresholds
  [[nodiscard]] ffn::sparse_levels levels(const calibration& c) const {
    if (thresholds.empty()) fail<config_error>("fatrelu_scan: thresholds", "at least one", "none");
    const auto all = [&](double t) { return ffn::sparse_levels{std::vector<double>(c.n_layer, t)}; };
    const level_cost before = c.measure(all(0));
    double best = 0, least = before.mean_first();
    for (const double t : thresholds) {
      if (!(t >= 0)) fail<config_error>("fatrelu_scan: thresholds", "numbers that are not negative", t);
      const level_cost cost = c.measure(all(t));
      if (cost.perplexity <= before.perplexity * (1 + most_loss) && cost.mean_first() < least) best = t, least = cost.mean_first();
    }
    return all(best);
  }
};

static_assert(threshold_search<quantile<>> && threshold_search<two_quantiles<>> && threshold_search<cett_bisection<>> &&
              threshold_search<global_budget<>> && threshold_search<fatrelu_scan>);

}  // namespace quipu::sparsity

/// @file Thresholds for a model from a text, with their sparsity and their cost in perplexity.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/token.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/ffn/threshold_sparse.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/llama/hooked_session.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/sparsity/calibration.hpp>
#include <quipu/sparsity/layer_record.hpp>

namespace quipu::sparsity {

/// What a search found.
/// @tparam First, Second  criteria that the levels are for
template <class First, class Second>
struct found_levels {
  ffn::sparse_levels levels;
  level_cost cost;              ///< on the text that costs were measured on
  double dense_perplexity = 0;  ///< of the same text, nothing left out

  /// The kernel that leaves out what the levels say.
  template <class Activation>
  [[nodiscard]] auto kernel(Activation f, ffn::sparse_options options = {}) const {
    return ffn::threshold_sparse<Activation, First, Second>(std::move(f), levels, options);
  }
  /// The same as thresholds of gates, for `ffn::gate_sparse` and its like: of ReLU models, whose f(gate) is the gate where it is active.
  [[nodiscard]] ffn::thresholds gate_thresholds() const {
    static_assert(First::value == ffn::criterion_value::gate && Second::value == ffn::criterion_value::none,
                  "gate_thresholds: thresholds of gates come from a criterion on the gate alone");
    ffn::thresholds t;
    t.content_hash = levels.content_hash;
    if constexpr (!ffn::weighing_criterion<First>) {
      t.of_layers = levels.first;
    } else {
      for (std::size_t l = 0; l < levels.first.size(); ++l) {
        std::vector<float>& own = t.of_neurons.emplace_back(levels.sizes[l].up.size());
        for (std::size_t i = 0; i < own.size(); ++i) {
          const double limit = levels.first[l] / static_cast<double>(ffn::weight_of(First{}, levels.sizes[l], i));
          // A neuron that adds nothing is below any threshold.
          own[i] = std::isfinite(limit) ? static_cast<float>(limit) : std::numeric_limits<float>::max();
        }
      }
    }
    return t;
  }
};

struct search_options {
  record_options record = {};
  /// Tokens that perplexity and shares are measured on; empty: the text of the search.
  std::span<const token_id> cost_text = {};
};

namespace detail {

/// Counts neurons that are not left out. What is 0 counts as left out.
template <class Kernel>
struct share_counter : llama::no_hooks {
  const Kernel* kernel;
  std::function<std::pair<const ffn::size_limits*, const ffn::size_limits*>(std::size_t layer)> limits;
  struct counts {
    std::size_t n = 0, first = 0, second = 0;
  };
  std::vector<counts>* layers;

  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float>,
                 matrix_view<float> y) const {
    using enum ffn::criterion_value;
    constexpr auto by = Kernel::first_criterion::value;
    if (site == llama::projection_site::gate) (*layers)[layer].n += y.rows() * y.cols();
    if (site != (by == up ? llama::projection_site::up : llama::projection_site::gate)) return;
    const ffn::size_limits& limit = *limits(layer).first;
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) {
        const float v = by == up ? y(t, i) : kernel->activation(y(t, i));
        (*layers)[layer].first += by == none || (v != 0 && !limit.skips(i, v));
      }
    }
  }
  void ffn_hidden(std::size_t layer, std::span<const llama::row_segment>, matrix_view<float> h) const {
    for (std::size_t t = 0; t < h.rows(); ++t) {
      for (std::size_t i = 0; i < h.cols(); ++i) (*layers)[layer].second += h(t, i) != 0;
    }
  }
};

}  // namespace detail

/// Perplexity and shares of a model whose kernel is a `threshold_sparse`.
/// @param text  in windows that do not know of each other
/// @throws config_error  see `llama::perplexity`
template <class Policies>
[[nodiscard]] level_cost measured_cost(const llama::basic_model<Policies>& m, std::span<const token_id> text, const record_options& options) {
  using kernel_type = typename llama::basic_model<Policies>::ffn_type;
  std::vector<typename detail::share_counter<kernel_type>::counts> counts(m.config().n_layer);
  detail::share_counter<kernel_type> hooks;
  hooks.kernel = &m.ffn(), hooks.layers = &counts;
  hooks.limits = [&](std::size_t layer) { return std::pair(&m.ffn_state_of(layer).first, &m.ffn_state_of(layer).product); };
  auto session = open_session(m, options.team);
  llama::hooked_session hooked(session, hooks);
  const std::size_t window = std::min(options.window, m.config().n_ctx);
  const auto result = llama::perplexity(hooked, text, {.window = window, .stride = window, .progress = options.progress});
  level_cost cost{result.value()};
  for (const auto& c : counts) {
    const auto n = static_cast<double>(c.n);
    cost.layers.push_back({static_cast<double>(c.first) / n, static_cast<double>(c.second) / n});
  }
  return cost;
}

/// Levels that a policy finds for a model on a text, and what they cost.
/// @param m       a model in float, of any activation
/// @param policy  models `threshold_search`
/// @throws config_error  levels that make every neuron of a layer dead; as the policy
template <class Search, class Policies>
[[nodiscard]] auto search(const llama::basic_model<Policies>& m, std::span<const token_id> text, const Search& policy, const search_options& options = {}) {
  static_assert((explain_search<Search>(), true));
  using first = typename Search::first_criterion;
  using second = typename Search::second_criterion;
  using activation_type = typename llama::basic_model<Policies>::ffn_type::activation_type;
  const activation_type f = m.ffn().activation;
  const std::span<const token_id> cost_text = options.cost_text.empty() ? text : options.cost_text;
  const auto with_levels = [&](const ffn::sparse_levels& levels) {
    return llama::with_ffn(m, ffn::threshold_sparse<activation_type, first, second>(f, levels), {.team = options.record.team});
  };
  const auto plain = with_levels({});  // its rows are found again by the kernels that follow
  calibration c;
  c.n_layer = m.config().n_layer;
  c.team = options.record.team;
  c.for_each_layer = [&](const std::function<void(const calibrated_layer&)>& each) {
    for_each_layer(m, text, options.record, [&](const layer_record& r) { each(calibrated_layer::of(f, r)); });
  };
  c.measure = [&](const ffn::sparse_levels& levels) { return measured_cost(with_levels(levels), text, options.record); };
  found_levels<first, second> found{policy.levels(c), {}, 0};
  found.levels.content_hash = m.identity()->content->hash();
  found.cost = measured_cost(with_levels(found.levels), cost_text, options.record);
  for (std::size_t l = 0; l < found.cost.layers.size(); ++l) {
    if (found.cost.layers[l].second == 0)
      fail<config_error>(concat("search: layer ", l, " on this text"), "neurons above their levels", "every neuron dead");
  }
  found.dense_perplexity = measured_cost(plain, cost_text, options.record).perplexity;
  return found;
}

}  // namespace quipu::sparsity

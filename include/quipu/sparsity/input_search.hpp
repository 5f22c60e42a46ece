/// @file Levels below which inputs of all matrices are left out, from a text, and what they cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/token.hpp>
#include <quipu/linear/column_norms.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/hooked_session.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/llama/sparse_inputs.hpp>
#include <quipu/sparsity/layer_record.hpp>
#include <quipu/sparsity/scores.hpp>

namespace quipu::sparsity {

/// The same share of the inputs of every matrix is left out: quantiles on a text.
struct input_quantile {
  double share = 0.5;  ///< of inputs and tokens that lie below the level
  llama::input_criterion criterion = llama::input_criterion::size;
};

namespace detail {

/// Sites whose inputs differ: q stands for k and v, gate for up.
inline constexpr std::array<linear::projection_site, 4> input_sites = {linear::projection_site::q, linear::projection_site::o, linear::projection_site::gate,
                                                                       linear::projection_site::down};
[[nodiscard]] constexpr std::size_t input_of(linear::projection_site site) noexcept {
  using enum linear::projection_site;
  return site == o ? 1 : site == gate || site == up ? 2 : site == down ? 3 : 0;
}

/// Copies the inputs of some layers' matrices.
struct input_recorder : llama::no_hooks {
  std::size_t first = 0;
  std::vector<std::array<std::vector<float>, input_sites.size()>>* layers;

  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float> x, matrix_view<float>) const {
    const std::size_t input = input_of(site);
    if (layer < first || layer - first >= layers->size() || site != input_sites[input]) return;
    auto& to = (*layers)[layer - first][input];
    for (std::size_t t = 0; t < x.rows(); ++t) to.insert(to.end(), x.row(t), x.row(t) + x.cols());
  }
};

/// Counts inputs that limits leave out.
struct input_counter : llama::no_hooks {
  struct counts {
    std::size_t n = 0, left_out = 0;
  };
  const std::vector<linear::input_limits>* limits;              // (n_layer * sites)
  std::vector<std::array<counts, linear::projection_sites.size()>>* layers;

  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float> x, matrix_view<float>) const {
    const auto at = static_cast<std::size_t>(site);
    const linear::input_limits& own = (*limits)[layer * linear::projection_sites.size() + at];
    counts& count = (*layers)[layer][at];
    count.n += x.rows() * x.cols();
    for (std::size_t t = 0; t < x.rows(); ++t) {
      for (std::size_t i = 0; i < x.cols(); ++i) count.left_out += own.leaves_out(i, x(t, i));
    }
  }
};

}  // namespace detail

/// Levels for `llama::with_sparse_inputs` from the inputs that a text makes in the dense model, which is read once for as many layers as
/// fit into `memory`.
/// @param m     a model in float
/// @param text  in windows that do not know of each other
/// @throws config_error  a share outside 0 .. 1; no tokens; a window longer than the context
/// @throws cancelled     the progress said so
template <class Policies>
[[nodiscard]] llama::input_levels find_input_levels(const llama::basic_model<Policies>& m, std::span<const token_id> text, const input_quantile& wanted,
                                                    const record_options& options = {}) {
  const auto& c = m.config();
  if (!(wanted.share >= 0 && wanted.share < 1)) fail<config_error>("find_input_levels: share", "0 up to 1", wanted.share);
  if (text.empty()) fail<config_error>("find_input_levels: text", "at least one token", "none");
  const std::size_t window = std::min(options.window, text.size());
  if (window == 0 || window > c.n_ctx) fail<config_error>("find_input_levels: window", concat("1 .. ", c.n_ctx), options.window);
  llama::input_levels found;
  found.criterion = wanted.criterion;
  found.content_hash = m.identity()->content->hash();
  const std::size_t layer_bytes = text.size() * (2 * c.d_model + c.d_q() + c.d_ffn) * sizeof(float);
  const std::size_t at_once = std::clamp<std::size_t>(options.memory / layer_bytes, 1, c.n_layer);
  for (std::size_t first = 0; first < c.n_layer; first += at_once) {
    std::vector<std::array<std::vector<float>, detail::input_sites.size()>> values(std::min(at_once, c.n_layer - first));
    detail::input_recorder recorder;
    recorder.first = first, recorder.layers = &values;
    detail::read_in_windows(m, text, window, options, recorder, [&](std::size_t n_read) {
      return progress_state{"recording inputs", first * text.size() + n_read * values.size(), c.n_layer * text.size()};
    });
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto& levels = found.layers.emplace_back();
      for (const linear::projection_site site : linear::projection_sites) {
        const linear::stored_matrix& w = llama::matrix_at(m.weights().blocks[first + i], site);
        const std::vector<float>& x = values[i][detail::input_of(site)];
        const bool weighs = wanted.criterion == llama::input_criterion::weighted;
        const std::vector<float> norms = weighs ? linear::column_norms(w) : std::vector<float>(w.cols, 1);
        std::vector<float> scores(x.size());
        for (std::size_t at = 0; at < x.size(); ++at) scores[at] = std::abs(x[at]) * norms[at % w.cols];
        levels[static_cast<std::size_t>(site)] = level_for_share(scores, wanted.share);
      }
    }
  }
  return found;
}

/// What a model without its small inputs does to a text.
struct input_cost {
  double perplexity = 0;
  /// Shares of inputs that are left out by site, the mean over layers and tokens; see `linear::projection_sites`.
  std::array<double, linear::projection_sites.size()> left_out = {};
  double bytes_left_out = 0;  ///< of the bytes of all blocks' matrices, those whose inputs are left out
};

/// Runs a text under levels.
/// @param m     a model in float, as `llama::with_sparse_inputs` asks
/// @param text  in windows that do not know of each other
/// @throws config_error  see `llama::with_sparse_inputs` and `llama::perplexity`
template <class Policies>
[[nodiscard]] input_cost measured_input_cost(const llama::basic_model<Policies>& m, const llama::input_levels& levels, std::span<const token_id> text,
                                             const record_options& options = {}) {
  constexpr std::size_t n_site = linear::projection_sites.size();
  const auto sparse = llama::with_sparse_inputs(m, levels, {.team = options.team});
  std::vector<linear::input_limits> limits;
  for (const auto& block : sparse.weights().blocks) {
    for (const linear::projection_site site : linear::projection_sites) limits.push_back(*llama::matrix_at(block, site).limits);
  }
  std::vector<std::array<detail::input_counter::counts, n_site>> counts(m.config().n_layer);
  detail::input_counter counter;
  counter.limits = &limits, counter.layers = &counts;
  auto session = open_session(sparse, options.team);
  llama::hooked_session hooked(session, counter);
  const std::size_t window = std::min(options.window, m.config().n_ctx);
  input_cost cost;
  cost.perplexity = llama::perplexity(hooked, text, {.window = window, .stride = window, .progress = options.progress}).value();
  double all_bytes = 0;
  for (std::size_t layer = 0; layer < counts.size(); ++layer) {
    for (const linear::projection_site site : linear::projection_sites) {
      const auto at = static_cast<std::size_t>(site);
      const auto& one = counts[layer][at];
      const double share = static_cast<double>(one.left_out) / static_cast<double>(one.n);
      const auto bytes = static_cast<double>(llama::matrix_at(m.weights().blocks[layer], site).n_byte());
      cost.left_out[at] += share / static_cast<double>(counts.size());
      cost.bytes_left_out += share * bytes;
      all_bytes += bytes;
    }
  }
  cost.bytes_left_out /= all_bytes;
  return cost;
}

}  // namespace quipu::sparsity

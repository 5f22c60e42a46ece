/// @file A model whose products leave out small inputs: an experiment on what that costs in quality.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/linear/column_norms.hpp>
#include <quipu/linear/input_limits.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/weights.hpp>

namespace quipu::llama {

/// By what an input of a matrix counts as small.
enum class input_criterion : std::uint8_t {
  size,      ///< |x_j|. Source: Liu et al. 2024, "TEAL" (arXiv 2408.14690)
  weighted,  ///< |x_j| times the length of the matrix's column j. Source: Chen et al. 2025, "WINA" (arXiv 2505.19427)
};
[[nodiscard]] constexpr std::string_view name_of(input_criterion c) noexcept { return c == input_criterion::size ? "|x|" : "|x| norm(column)"; }

/// What inputs of each matrix must reach under the criterion; `sparsity::find_input_levels` finds them.
struct input_levels {
  input_criterion criterion = input_criterion::size;
  /// (n_layer) by site, see `linear::projection_sites`; 0 leaves nothing out
  std::vector<std::array<double, linear::projection_sites.size()>> layers = {};
  std::uint64_t content_hash = 0;  ///< `io::content_hash` of the weights that they were found for; 0: not known

  [[nodiscard]] double at(std::size_t layer, linear::projection_site site) const noexcept { return layers[layer][static_cast<std::size_t>(site)]; }
};

/// The matrix of a block.
template <class Block>
[[nodiscard]] auto& matrix_at(Block& b, linear::projection_site site) noexcept {
  using enum linear::projection_site;
  switch (site) {
    case q: return b.q;
    case k: return b.k;
    case v: return b.v;
    case o: return b.o;
    case gate: return b.ffn.gate;
    case up: return b.ffn.up;
    case down: break;
  }
  return b.ffn.down;
}

/// Limits of a matrix's inputs from its level.
[[nodiscard]] inline linear::input_limits limits_of(input_criterion criterion, double level, const linear::stored_matrix& w) {
  linear::input_limits limits;
  limits.least.assign(w.cols, static_cast<float>(level));
  if (criterion == input_criterion::size || level == 0) return limits;
  const std::vector<float> norms = linear::column_norms(w);
  // A column of zeros adds nothing, whatever its input is.
  for (std::size_t j = 0; j < w.cols; ++j) limits.least[j] = norms[j] > 0 ? static_cast<float>(level / static_cast<double>(norms[j])) : std::numeric_limits<float>::infinity();
  return limits;
}

/// The same model, whose seven products of every block see no input that is small. All tensors are shared.
///
/// What is left out is worked out as a 0: this says what such sparsity costs in quality, and spares neither bytes nor time yet. Tokens of
/// prompts and those that are chosen one at a time are treated alike. Hooks see the inputs as they are before; modules add what they make of
/// these. `thaw` gives a model without limits.
///
/// @param m  its FFN kernel multiplies by the matrices as they are stored: `ffn::dense`
/// @throws config_error  levels of another number of layers, of other weights, negative or not finite
template <class Policies>
[[nodiscard]] auto with_sparse_inputs(const basic_model<Policies>& m, const input_levels& levels, const build_options& options = {}) {
  using scalar = typename basic_model<Policies>::scalar_type;
  static_assert(!ffn::kernel_with_own_forms<typename basic_model<Policies>::ffn_type>,
                "with_sparse_inputs: the FFN kernel must multiply by the matrices as they are stored (ffn::dense)");
  if (levels.layers.size() != m.config().n_layer) fail<config_error>("input levels: layers", m.config().n_layer, levels.layers.size());
  if (levels.content_hash != 0 && levels.content_hash != m.identity()->content->hash()) {
    fail<config_error>("input levels", concat("those of these weights, whose hash is ", hex_digits(m.identity()->content->hash())),
                       hex_digits(levels.content_hash));
  }
  for (const auto& layer : levels.layers) {
    for (const double level : layer) {
      if (!(level >= 0 && std::isfinite(level))) fail<config_error>("input levels", "finite numbers of at least 0", level);
    }
  }
  constexpr std::size_t n_site = linear::projection_sites.size();
  auto limited = std::make_shared<llama::weights<scalar>>(m.weights());
  auto limits = std::make_shared<std::vector<linear::input_limits>>(levels.layers.size() * n_site);
  for (std::size_t layer = 0; layer < levels.layers.size(); ++layer) {
    for (const linear::projection_site site : linear::projection_sites) {
      linear::stored_matrix& w = matrix_at(limited->blocks[layer], site);
      linear::input_limits& own = (*limits)[layer * n_site + static_cast<std::size_t>(site)];
      own = limits_of(levels.criterion, levels.at(layer, site), w);
      w.limits = &own;
    }
  }
  limited->memory.push_back(std::move(limits));
  return basic_model<Policies>(m.identity(), std::move(limited), m.chosen(), options);
}

}  // namespace quipu::llama

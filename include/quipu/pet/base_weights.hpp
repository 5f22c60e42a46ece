/// @file The weights under a module, for modules whose mathematics reads them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/io/dequantise.hpp>  // dequantise_row
#include <quipu/linear/backward.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/pet/targets.hpp>  // target_index

namespace quipu::pet {

/// Views of a model's linear layers, with whatever keeps them alive. Copies share everything.
template <class Scalar>
class base_weights {
 public:
  struct linear_layer {
    linear::stored_matrix w;
    const Scalar* bias = nullptr;
  };

  base_weights() = default;
  base_weights(std::size_t n_layer, std::shared_ptr<const void> owner)
      : layers_(n_layer * linear::projection_sites.size()), owner_(std::move(owner)) {}

  [[nodiscard]] bool empty() const noexcept { return layers_.empty(); }
  [[nodiscard]] linear_layer& at(std::size_t layer, projection_site site) noexcept {
    return layers_[target_index(layer, site)];
  }
  /// @throws config_error  no model was bound; `kind` is for the message
  [[nodiscard]] const linear_layer& at(std::size_t layer, projection_site site, const char* kind) const {
    if (empty())
      fail<config_error>(kind, "a module that was bound to its model (llama::bind_base)", "one that was not");
    return layers_[target_index(layer, site)];
  }

 private:
  std::vector<linear_layer> layers_;
  std::shared_ptr<const void> owner_;
};

/// Role of modules that need `bind(base_weights)` before they are used; `llama::bind_base` does it.
template <class M>
concept reads_base = requires(M& m, base_weights<typename M::scalar_type> base) { m.bind(std::move(base)); };

/// y (n_row, d_out) = x (n_row, d_in) W^T, without the bias.
template <class Scalar>
void base_product(linear::multiplier<Scalar>& multiply, const linear::stored_matrix& w, matrix_view<const Scalar> x,
                  matrix_view<Scalar> y) {
  multiply.product(linear::plain_operand<Scalar>::along(x), linear::stored_operand<Scalar>::along(w), y,
                   linear::gemm_output::overwrite);
}

/// y *= l, column by column; l (y.cols()).
template <class Scalar>
void scale_columns(const thread_team& team, const Scalar* l, matrix_view<Scalar> y) {
  team.parallel_for(y.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = begin; t < end; ++t) {
      Scalar* row = y.row(t);
      for (std::size_t i = 0; i < y.cols(); ++i) row[i] *= l[i];
    }
  });
}

/// dl += the column sums of dy * y: the gradient of l in y' = l * y. Threads share out columns.
template <class Scalar>
void add_column_products(const thread_team& team, matrix_view<const Scalar> dy, matrix_view<const Scalar> y,
                         Scalar* dl) {
  team.parallel_for(y.cols(), 64, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = 0; t < y.rows(); ++t) {
      const Scalar *g = dy.row(t), *v = y.row(t);
      for (std::size_t i = begin; i < end; ++i) dl[i] += g[i] * v[i];
    }
  });
}

}  // namespace quipu::pet

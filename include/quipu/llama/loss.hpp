/// @file The language-model loss: head and cross-entropy in portions of rows, forward and backward at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/backward_kernels.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::llama {

/// Target of a row that does not count, as in PyTorch.
inline constexpr std::int64_t ignored_label = -100;

/// A loss before it is divided: sums over the rows that count.
struct loss_sum {
  double sum = 0;             ///< nats, each row times its weight
  std::size_t n_counted = 0;  ///< rows
  double weight = 0;          ///< of these rows; their number if none was given

  [[nodiscard]] double mean() const noexcept { return weight == 0 ? 0 : sum / weight; }
  loss_sum& operator+=(const loss_sum& other) noexcept {
    sum += other.sum;
    n_counted += other.n_counted;
    weight += other.weight;
    return *this;
  }
};

[[nodiscard]] inline std::size_t count_targets(std::span<const std::int64_t> targets) noexcept {
  return targets.size() - static_cast<std::size_t>(std::count(targets.begin(), targets.end(), ignored_label));
}

/// A linear layer that gives logits, and where its gradients are added; null pointers are absent.
template <class Scalar>
struct head_layer {
  linear::stored_matrix w;         ///< (n_vocab, d_model)
  Scalar* dw = nullptr;            ///< (n_vocab, d_model)
  const Scalar* bias = nullptr;    ///< (n_vocab)
  Scalar* d_bias = nullptr;        ///< (n_vocab)
};

/// Computes -log softmax(W h + b)[target] over the rows h of a batch, and its gradients.
template <class Scalar>
class head_loss {
 public:
  /// @param n_logit  logits held at a time: 16 million floats are 64 MB
  explicit head_loss(std::size_t n_logit = std::size_t{16} << 20) : n_logit_(n_logit) {}

  /// @param hidden    (n_row, d_model) after the final norm
  /// @param targets   (n_row) token ids or `ignored_label`
  /// @param weight    factor of every row's gradient, 1 / (weight that counts in the whole step); 0 for no gradients
  /// @param d_hidden  (n_row, d_model) rows that count are overwritten, the others left alone; empty for no gradients
  /// @param row_weights  (n_row) how much each row counts; empty: all alike
  /// @throws config_error  a target that is neither a token id nor `ignored_label`
  /// Rows that do not count cost nothing.
  loss_sum run(linear::projector<Scalar>& projector, linear::multiplier<Scalar>& multiply,
               const head_layer<Scalar>& layer, matrix_view<const Scalar> hidden, std::span<const std::int64_t> targets,
               double weight, matrix_view<Scalar> d_hidden, std::span<const double> row_weights = {}) {
    const linear::stored_matrix& head = layer.w;
    counted_.clear();
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (targets[t] == ignored_label) continue;
      if (targets[t] < 0 || static_cast<std::uint64_t>(targets[t]) >= head.rows) {
        fail<config_error>("loss: label", concat("0 .. ", head.rows - 1, " or ", ignored_label), targets[t]);
      }
      counted_.push_back(t);
    }
    const auto weight_of = [&](std::size_t i) { return row_weights.empty() ? 1.0 : row_weights[counted_[i]]; };
    const bool gradients = !d_hidden.empty() && weight != 0;
    const std::size_t d = hidden.cols(), n_vocab = head.rows;
    const std::size_t most = std::max(n_logit_, n_vocab) / n_vocab;
    const std::size_t n_portion = (counted_.size() + most - 1) / most;
    linear::workspace& ws = multiply.tools();
    const auto cross_entropy = linear::backward_kernels_for<Scalar>(ws.kernels().set).cross_entropy;
    losses_.assign(counted_.size(), 0);
    for (std::size_t portion = 0; portion < n_portion; ++portion) {
      const std::size_t first = counted_.size() * portion / n_portion;
      const std::size_t n = counted_.size() * (portion + 1) / n_portion - first;
      rows_.reserve_discarding(n * d);
      logits_.reserve_discarding(n * n_vocab);
      const auto rows = rows_.matrix(n, d);            // (n, d_model)
      const auto logits = logits_.matrix(n, n_vocab);  // (n, n_vocab)
      for (std::size_t i = 0; i < n; ++i) std::copy_n(hidden.row(counted_[first + i]), d, rows.row(i));
      const linear::projection<Scalar> product{&head, layer.bias, logits};
      projector.run(rows, {&product, 1});
      ws.team().parallel_for(n, 1, [&](std::size_t i, std::size_t, std::size_t) {
        losses_[first + i] =
            cross_entropy(logits.row(i), n_vocab, static_cast<std::size_t>(targets[counted_[first + i]]),
                          gradients ? static_cast<Scalar>(weight * weight_of(first + i)) : Scalar(0));
      });
      if (!gradients) continue;
      if (layer.dw != nullptr) multiply.weight_gradient(logits, rows, layer.dw);
      if (layer.d_bias != nullptr) multiply.bias_gradient(logits, layer.d_bias);
      multiply.input_gradient(logits, head, rows, linear::gemm_output::overwrite);
      for (std::size_t i = 0; i < n; ++i) std::copy_n(rows.row(i), d, d_hidden.row(counted_[first + i]));
    }
    loss_sum total{0, counted_.size()};
    for (std::size_t i = 0; i < losses_.size(); ++i) {
      total.sum += weight_of(i) * losses_[i];
      total.weight += weight_of(i);
    }
    return total;
  }

  /// -log p of each row that counted in the last call, in the order of the rows, in nats.
  [[nodiscard]] std::span<const double> losses() const noexcept { return losses_; }

 private:
  std::size_t n_logit_;
  std::vector<std::size_t> counted_;
  std::vector<double> losses_;
  buffer<Scalar> rows_, logits_;  // (n, d_model), (n, n_vocab)
};

}  // namespace quipu::llama

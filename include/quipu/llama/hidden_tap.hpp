/// @file Hooks that copy hidden states on their way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/llama/hooks.hpp>

namespace quipu::llama {

/// Hooks that besides copy the residual stream after one block, of all rows or of some.
template <class Scalar, class Hooks = no_hooks>
class hidden_tap : public Hooks {
 public:
  /// @param layer  block index, 0 .. n_layer - 1
  explicit hidden_tap(std::size_t layer, Hooks hooks = {}) : Hooks(std::move(hooks)), layer_(layer) {}
  /// @param wanted  numbers of the rows over all passes, each above the one before
  hidden_tap(std::size_t layer, std::vector<std::size_t> wanted, Hooks hooks = {})
      : Hooks(std::move(hooks)), layer_(layer), wanted_(std::move(wanted)) {}

  void block_output(std::size_t layer, std::span<const row_segment> all, matrix_view<const Scalar> x) {
    Hooks::block_output(layer, all, x);
    if (layer != layer_) return;
    d_model_ = x.cols();
    for (std::size_t t = 0; t < x.rows(); ++t) {
      if (!is_wanted(seen_ + t)) continue;
      values_.insert(values_.end(), x.row(t), x.row(t) + x.cols());
    }
    seen_ += x.rows();
  }
  /// (rows copied so far, d_model)
  [[nodiscard]] matrix_view<Scalar> rows() noexcept {
    return {values_.data(), d_model_ == 0 ? 0 : values_.size() / d_model_, d_model_};
  }

 private:
  bool is_wanted(std::size_t row) noexcept {
    if (!wanted_) return true;
    if (next_ == wanted_->size() || (*wanted_)[next_] != row) return false;
    ++next_;
    return true;
  }

  std::size_t layer_;
  std::optional<std::vector<std::size_t>> wanted_;
  std::size_t seen_ = 0, next_ = 0, d_model_ = 0;
  std::vector<Scalar> values_;
};

}  // namespace quipu::llama

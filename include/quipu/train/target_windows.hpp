/// @file Windows of a text in which every token has a target, the one after it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::train {

/// Windows of n inputs and n targets: window i reads tokens n i .. n i + n - 1 and is to predict n i + 1 .. n i + n, so that
/// neighbours share no input. What is left at the end is no window: all weigh alike. (`token_windows` of n tokens have n - 1
/// targets and a rest.)
class target_windows {
 public:
  /// @throws config_error  windows of no token, or a text shorter than one window and its last target
  target_windows(std::vector<token_id> tokens, std::size_t n_token) : tokens_(std::move(tokens)), n_token_(n_token) {
    if (n_token == 0) fail<config_error>("target_windows: tokens in a window", "at least 1", 0);
    if (tokens_.size() < n_token + 1)
      fail<config_error>("target_windows: text", concat("at least one window and its last target, ", n_token + 1, " tokens"), tokens_.size());
  }

  [[nodiscard]] std::size_t size() const noexcept { return (tokens_.size() - 1) / n_token_; }
  [[nodiscard]] std::size_t longest() const noexcept { return n_token_; }
  void add(std::size_t i, llama::training_batch& batch) const {
    const auto inputs = std::span(tokens_).subspan(i * n_token_, n_token_);
    const auto next = std::span(tokens_).subspan(i * n_token_ + 1, n_token_);
    batch.add_targets(inputs, std::vector<std::int64_t>(next.begin(), next.end()));
  }

 private:
  std::vector<token_id> tokens_;
  std::size_t n_token_;
};

static_assert(example_source<target_windows>);

}  // namespace quipu::train

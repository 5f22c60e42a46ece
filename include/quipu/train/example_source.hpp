/// @file Where training sequences come from: a long text in windows, or examples of their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/training_batch.hpp>

namespace quipu::train {

/// Role `example_source`: sequences by number. `add(i, batch)` appends sequence i; `longest()` is the rows of
/// the longest one.
template <class S>
concept example_source = requires(const S& s, std::size_t i, llama::training_batch& batch) {
  { s.size() } -> std::convertible_to<std::size_t>;
  { s.longest() } -> std::convertible_to<std::size_t>;
  s.add(i, batch);
};

/// A sequence with its labels, `llama::ignored_label` if nothing is to be learned.
struct example {
  std::vector<token_id> tokens;
  std::vector<std::int64_t> labels;
  double weight = 1;  ///< of each label in the loss
  std::vector<double> weights = {};  ///< of the labels one by one, in place of `weight`; or none
};

/// An example whose answer is learned and whose prompt is only read.
[[nodiscard]] inline example prompt_and_answer(std::span<const token_id> prompt, std::span<const token_id> answer) {
  example e;
  e.tokens.assign(prompt.begin(), prompt.end());
  e.tokens.insert(e.tokens.end(), answer.begin(), answer.end());
  e.labels.assign(prompt.size(), llama::ignored_label);
  e.labels.insert(e.labels.end(), answer.begin(), answer.end());
  return e;
}

/// Windows of one long row of tokens. Neighbours share a token, so that every token but the first is predicted
/// once; what is left at the end is a shorter window.
class token_windows {
 public:
  /// @throws config_error  fewer than two tokens, or windows of fewer than two
  token_windows(std::vector<token_id> tokens, std::size_t n_token) : tokens_(std::move(tokens)), n_token_(n_token) {
    if (n_token < 2) fail<config_error>("token_windows: tokens in a window", "at least 2", n_token);
    if (tokens_.size() < 2) fail<config_error>("token_windows: text", "at least 2 tokens", tokens_.size());
  }

  [[nodiscard]] std::size_t size() const noexcept { return (tokens_.size() - 1 + n_token_ - 2) / (n_token_ - 1); }
  [[nodiscard]] std::size_t longest() const noexcept { return std::min(n_token_, tokens_.size()); }
  void add(std::size_t i, llama::training_batch& batch) const {
    const auto tokens = window(i);
    batch.add(tokens, std::vector<std::int64_t>(tokens.begin(), tokens.end()));
  }
  /// Window i by itself.
  [[nodiscard]] example at(std::size_t i) const {
    const auto tokens = window(i);
    return {{tokens.begin(), tokens.end()}, {tokens.begin(), tokens.end()}};
  }

 private:
  [[nodiscard]] std::span<const token_id> window(std::size_t i) const {
    const std::size_t first = i * (n_token_ - 1);
    return std::span(tokens_).subspan(first, std::min(n_token_, tokens_.size() - first));
  }

  std::vector<token_id> tokens_;
  std::size_t n_token_;
};

/// Examples in memory.
class example_list {
 public:
  example_list() = default;
  explicit example_list(std::vector<example> examples) : examples_(std::move(examples)) {}

  void push_back(example e) { examples_.push_back(std::move(e)); }
  [[nodiscard]] std::size_t size() const noexcept { return examples_.size(); }
  [[nodiscard]] std::size_t longest() const noexcept {
    std::size_t n = 0;
    for (const example& e : examples_) n = std::max(n, e.tokens.size());
    return n;
  }
  void add(std::size_t i, llama::training_batch& batch) const {
    const example& e = examples_[i];
    if (e.weights.empty()) {
      batch.add_weighted(e.tokens, e.labels, e.weight);
    } else {
      batch.add_weighted(e.tokens, e.labels, e.weights);
    }
  }
  [[nodiscard]] const example& operator[](std::size_t i) const { return examples_[i]; }

 private:
  std::vector<example> examples_;
};

static_assert(example_source<token_windows> && example_source<example_list>);

}  // namespace quipu::train

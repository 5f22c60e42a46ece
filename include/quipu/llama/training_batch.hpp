/// @file A batch of sequences for training, packed without padding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/loss.hpp>  // ignored_label

namespace quipu::llama {

/// Sequences one after the other, each a `row_segment`. Padding has no place here: it would only cost time.
class training_batch {
 public:
  training_batch() = default;
  /// @param n_virtual, position  of sequences that are added without saying otherwise: what the hooks ask for
  training_batch(std::size_t n_virtual, std::size_t position) : n_virtual_(n_virtual), position_(position) {}

  void add(std::span<const token_id> tokens, std::span<const std::int64_t> labels) {
    add(tokens, labels, n_virtual_, position_);
  }
  void add_weighted(std::span<const token_id> tokens, std::span<const std::int64_t> labels, double weight) {
    add(tokens, labels, n_virtual_, position_, weight);
  }
  /// @param weights  of each label, as many as there are tokens; those of ignored labels do not matter
  /// @throws config_error  another number of weights, or one of a label that counts is not positive
  void add_weighted(std::span<const token_id> tokens, std::span<const std::int64_t> labels,
                    std::span<const double> weights) {
    if (weights.size() != tokens.size())
      fail<config_error>("training_batch: weights", concat("as many as tokens: ", tokens.size()), weights.size());
    for (std::size_t t = 0; t < labels.size() && t < weights.size(); ++t) {
      if (labels[t] != ignored_label && !(weights[t] > 0))
        fail<config_error>("training_batch: weight", "above 0", weights[t]);
    }
    add(tokens, labels);
    // The row before a token predicts its label; the first token has one only after virtual rows.
    const std::size_t first = n_row() - tokens.size();
    for (std::size_t t = first == segments_.back().first_row ? 1 : 0; t < tokens.size(); ++t) {
      if (targets_[first + t - 1] != ignored_label) weights_[first + t - 1] = factor_ * weights[t];
    }
  }
  /// Factor of the weights of sequences that are added from here on.
  /// @throws config_error  not above 0
  void weigh(double factor) {
    if (!(factor > 0)) fail<config_error>("training_batch: weight", "above 0", factor);
    factor_ = factor;
  }
  [[nodiscard]] double factor() const noexcept { return factor_; }
  /// Adds a sequence. The row of token t is to predict labels[t + 1]; labels[0] counts only after virtual rows.
  ///
  /// @param labels     as many as tokens, `ignored_label` if nothing is to be learned; or none at all
  /// @param n_virtual  rows before the tokens that the hooks fill (prompt tuning)
  /// @param position   of the first row: the length of a learned prefix of keys and values
  /// @param weight     how much each of its labels counts in the loss
  /// @throws config_error  no tokens, another number of labels, or a weight that is not positive
  void add(std::span<const token_id> tokens, std::span<const std::int64_t> labels, std::size_t n_virtual,
           std::size_t position, double weight = 1) {
    if (!(weight > 0)) fail<config_error>("training_batch: weight", "above 0", weight);
    if (tokens.empty()) fail<config_error>("training_batch: sequence", "at least one token", "none");
    if (!labels.empty() && labels.size() != tokens.size()) {
      fail<config_error>("training_batch: labels", concat("as many as tokens: ", tokens.size()), labels.size());
    }
    segments_.push_back({segments_.size(), tokens_.size(), n_virtual + tokens.size(), position, segments_.size()});
    const auto label = [&](std::size_t t) { return labels.empty() ? ignored_label : labels[t]; };
    for (std::size_t i = 0; i < n_virtual; ++i) {
      tokens_.push_back(no_token);
      targets_.push_back(i + 1 == n_virtual ? label(0) : ignored_label);
    }
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      tokens_.push_back(tokens[t]);
      targets_.push_back(t + 1 < tokens.size() ? label(t + 1) : ignored_label);
    }
    weights_.resize(targets_.size(), factor_ * weight);
  }
  /// Adds a sequence whose rows have targets of their own: row t is to predict targets[t], the last one too.
  /// @param targets  as many as tokens, `ignored_label` if nothing is to be learned
  /// @throws config_error  no tokens, or another number of targets
  void add_targets(std::span<const token_id> tokens, std::span<const std::int64_t> targets) {
    if (targets.size() != tokens.size())
      fail<config_error>("training_batch: targets", concat("as many as tokens: ", tokens.size()), targets.size());
    add(tokens, {});
    std::copy(targets.begin(), targets.end(), targets_.end() - static_cast<std::ptrdiff_t>(targets.size()));
  }
  void clear() noexcept {
    tokens_.clear();
    targets_.clear();
    weights_.clear();
    segments_.clear();
  }

  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }
  [[nodiscard]] std::size_t n_row() const noexcept { return tokens_.size(); }
  [[nodiscard]] std::size_t n_counted() const noexcept { return count_targets(targets_); }
  /// Weights of the rows that count: what a mean loss is divided by; `n_counted()` if no sequence has a weight.
  [[nodiscard]] double total_weight() const noexcept {
    double sum = 0;
    for (std::size_t t = 0; t < targets_.size(); ++t) sum += targets_[t] == ignored_label ? 0 : weights_[t];
    return sum;
  }
  /// (n_row) `no_token` in virtual rows.
  [[nodiscard]] std::span<const token_id> tokens() const noexcept { return tokens_; }
  /// (n_row) what the row's logits should predict.
  [[nodiscard]] std::span<const std::int64_t> targets() const noexcept { return targets_; }
  /// (n_row) how much the row's loss counts.
  [[nodiscard]] std::span<const double> weights() const noexcept { return weights_; }
  [[nodiscard]] std::span<const linear::row_segment> segments() const noexcept { return segments_; }

 private:
  std::size_t n_virtual_ = 0;
  std::size_t position_ = 0;
  double factor_ = 1;
  std::vector<token_id> tokens_;
  std::vector<std::int64_t> targets_;
  std::vector<double> weights_;
  std::vector<linear::row_segment> segments_;
};

}  // namespace quipu::llama

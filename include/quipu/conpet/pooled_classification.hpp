/// @file The objective of a head on the mean of chosen rows, for passes that may begin above the embedding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/encoded_set.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/pet/linear_head.hpp>
#include <quipu/train/objective.hpp>

namespace quipu::conpet {

/// A text and what it is to be classified as.
struct target_example {
  const encoded_example* text = nullptr;  ///< not owned
  std::int64_t target = 0;                ///< of the head
};

/// Examples for `train::trainer`.
class target_examples {
 public:
  explicit target_examples(std::vector<target_example> all) : all_(std::move(all)) {}
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] std::size_t longest() const noexcept {
    std::size_t n = 0;
    for (const target_example& e : all_) n = std::max(n, e.text->tokens.size());
    return n;
  }
  void add(std::size_t i, llama::training_batch& batch) const { batch.add(all_[i].text->tokens, {}); }
  [[nodiscard]] const target_example& operator[](std::size_t i) const { return all_[i]; }

 private:
  std::vector<target_example> all_;
};

static_assert(train::example_source<target_examples>);

/// Sequences, and what they are classified as.
struct target_batch : llama::training_batch {
  using llama::training_batch::training_batch;
  std::vector<const encoded_example*> texts;
  std::vector<std::int64_t> wanted;
  std::vector<double> factors;

  /// The rows of each sequence that stand for it, virtual ones in front counted.
  [[nodiscard]] std::vector<llama::row_range> ranges() const {
    std::vector<llama::row_range> all;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::size_t n_virtual = segments()[i].n_row - texts[i]->tokens.size();
      all.push_back({texts[i]->rows.first + n_virtual, texts[i]->rows.last + n_virtual});
    }
    return all;
  }
};

/// Mean cross-entropy of a head's classes. Source: ConPET, section 4.1 of the method, `generate_continual_logits` of the official code.
template <class Pass>
class pooled_classification {
 public:
  using scalar_type = typename Pass::scalar_type;
  using batch_type = target_batch;

  /// @param head, inputs  must outlive the objective
  pooled_classification(pet::linear_head<scalar_type>& head, cached_block_inputs<Pass>& inputs) : head_(&head), inputs_(&inputs) {}

  [[nodiscard]] std::string identity() const { return concat("pooled classification from block ", inputs_->layer()); }
  template <class Source>
  static void add(const Source& source, std::size_t i, batch_type& batch) {
    source.add(i, batch);
    batch.texts.push_back(source[i].text);
    batch.wanted.push_back(source[i].target);
    batch.factors.push_back(batch.factor());
  }
  static void describe(const batch_type& batch, pet::key_hash& hash) {
    for (std::size_t i = 0; i < batch.texts.size(); ++i) {
      hash.add_value(batch.wanted[i]);
      hash.add_value(static_cast<std::uint64_t>(batch.texts[i]->rows.first));
      hash.add_value(static_cast<std::uint64_t>(batch.texts[i]->rows.last));
    }
  }
  [[nodiscard]] static double weight(const batch_type& batch) noexcept {
    double sum = 0;
    for (const double w : batch.factors) sum += w;
    return sum;
  }
  template <class Hooks, class Gradients>
  llama::loss_sum step(Pass& pass, const batch_type& batch, double divisor, Hooks& hooks, const Gradients& g) {
    const auto hidden = pass.forward(batch, hooks, inputs_->start(batch.texts));
    const auto ranges = batch.ranges();
    const std::size_t d_model = hidden.cols(), n = batch.texts.size();
    d_pooled_.reserve_discarding(n * d_model);
    d_hidden_.reserve_discarding(hidden.rows() * d_model);
    const auto d_pooled = d_pooled_.matrix(n, d_model);              // (sequences, d_model)
    const auto d_hidden = d_hidden_.matrix(hidden.rows(), d_model);  // (n_row, d_model)
    const auto p = head_->parameters();
    const llama::loss_sum loss = loss_.run(pass.projector(), pass.multiplier(), {head_->weight(), p[0].gradient, p[1].value, p[1].gradient},
                                           pool(hidden, batch, ranges), batch.wanted, 1 / divisor, d_pooled, batch.factors);
    llama::pool_rows_backward<scalar_type>(d_pooled, batch.segments(), ranges, d_hidden);
    pass.backward(batch, d_hidden, hooks, g);
    return loss;
  }
  template <class Hooks>
  llama::loss_sum loss(Pass& pass, const batch_type& batch, Hooks& hooks) {
    const auto hidden = pass.evaluate(batch, hooks, inputs_->start(batch.texts));
    const auto p = head_->parameters();
    return loss_.run(pass.projector(), pass.multiplier(), {head_->weight(), nullptr, p[1].value, nullptr}, pool(hidden, batch, batch.ranges()),
                     batch.wanted, 0, {}, batch.factors);
  }

 private:
  [[nodiscard]] matrix_view<const scalar_type> pool(matrix_view<const scalar_type> hidden, const batch_type& batch,
                                                    const std::vector<llama::row_range>& ranges) {
    llama::check_ranges(batch.segments(), ranges);
    pooled_.reserve_discarding(ranges.size() * hidden.cols());
    const auto pooled = pooled_.matrix(ranges.size(), hidden.cols());  // (sequences, d_model)
    llama::pool_rows<scalar_type>(hidden, batch.segments(), ranges, pooled);
    return pooled;
  }

  pet::linear_head<scalar_type>* head_;
  cached_block_inputs<Pass>* inputs_;
  llama::head_loss<scalar_type> loss_;
  buffer<scalar_type> pooled_, d_pooled_, d_hidden_;
};

}  // namespace quipu::conpet

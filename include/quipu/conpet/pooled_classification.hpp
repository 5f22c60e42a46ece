/// @file The objective of a head on the mean of chosen rows, for passes that may begin above the embedding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/encoded_set.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/pet/linear_head.hpp>
#include <quipu/train/objective.hpp>

namespace quipu::conpet {

/// A text and what it is to be classified as.
struct target_example {
  const encoded_example* text = nullptr;  ///< not owned
  std::int64_t target = 0;                ///< of the head; `llama::ignored_label`: cross-entropy leaves it out
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
  std::vector<std::size_t> numbers;  ///< of the texts in their source
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

/// What a method against forgetting adds to the steps of a training; nothing by default. Each function gives what it adds to a step's mean loss
/// and adds the gradient of that to what it is given. A step has one pass.
struct step_additions {
  bool cross_entropy = true;  ///< whether the texts' classes count at all
  std::function<double(const target_batch& batch, matrix_view<const float> z, matrix_view<float> dz)> logits{};  ///< (n, n_class)
  std::function<double(const target_batch& batch, matrix_view<const float> h, matrix_view<float> dh)> states{};  ///< (n, d_model)
  std::function<double(std::size_t step)> gradients{};  ///< after the pass, on the parameters' own gradients; steps count from 0
};

/// Mean cross-entropy of a head's classes. Source: ConPET, section 4.1 of the method, `generate_continual_logits` of the official code.
template <class Pass>
class pooled_classification {
 public:
  using scalar_type = typename Pass::scalar_type;
  using batch_type = target_batch;

  /// @param head, inputs  must outlive the objective
  pooled_classification(pet::linear_head<scalar_type>& head, cached_block_inputs<Pass>& inputs, step_additions additions = {})
      : head_(&head), inputs_(&inputs), additions_(std::move(additions)) {}

  [[nodiscard]] std::string identity() const { return concat("pooled classification from block ", inputs_->layer()); }
  template <class Source>
  static void add(const Source& source, std::size_t i, batch_type& batch) {
    source.add(i, batch);
    batch.texts.push_back(source[i].text);
    batch.numbers.push_back(i);
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
    for (std::size_t i = 0; i < batch.factors.size(); ++i) sum += batch.wanted[i] == llama::ignored_label ? 0 : batch.factors[i];
    return sum;
  }
  void begin_step(const train::step_plan& plan) noexcept { step_ = plan.step; }
  [[nodiscard]] double end_step() { return additions_.gradients ? additions_.gradients(step_) : 0; }
  template <class Hooks, class Gradients>
  llama::loss_sum step(Pass& pass, const batch_type& batch, double divisor, Hooks& hooks, const Gradients& g) {
    const auto hidden = pass.forward(batch, hooks, inputs_->start(batch.texts));
    const auto ranges = batch.ranges();
    const std::size_t d_model = hidden.cols(), n = batch.texts.size();
    d_pooled_.reserve_discarding(n * d_model);
    d_hidden_.reserve_discarding(hidden.rows() * d_model);
    const auto d_pooled = d_pooled_.matrix(n, d_model);              // (sequences, d_model)
    const auto d_hidden = d_hidden_.matrix(hidden.rows(), d_model);  // (n_row, d_model)
    std::fill_n(d_pooled_.data(), n * d_model, scalar_type(0));
    const auto p = head_->parameters();
    const auto pooled = pool(hidden, batch, ranges);
    llama::loss_sum loss{0, n, weight(batch)};
    if (additions_.cross_entropy)
      loss = loss_.run(pass.projector(), pass.multiplier(), {head_->weight(), p[0].gradient, p[1].value, p[1].gradient}, pooled, batch.wanted,
                       1 / divisor, d_pooled, batch.factors);
    double added = 0;
    if (additions_.logits) added += add_to_logits(pass, batch, pooled, d_pooled);
    if (additions_.states) added += additions_.states(batch, pooled, d_pooled);
    loss.sum += added * divisor;
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

  double add_to_logits(Pass& pass, const batch_type& batch, matrix_view<const scalar_type> pooled, matrix_view<scalar_type> d_pooled) {
    const std::size_t n = pooled.rows(), n_class = head_->n_class();
    const auto w = head_->weight();
    const auto p = head_->parameters();
    logits_.reserve_discarding(n * n_class);
    d_logits_.reserve_discarding(n * n_class);
    const auto z = logits_.matrix(n, n_class), dz = d_logits_.matrix(n, n_class);  // (sequences, n_class)
    const linear::projection<scalar_type> product{&w, p[1].value, z};
    pass.projector().run(pooled, {&product, 1});
    std::fill_n(dz.data(), n * n_class, scalar_type(0));
    const double added = additions_.logits(batch, z, dz);
    pass.multiplier().weight_gradient(dz, pooled, p[0].gradient);
    if (p[1].gradient != nullptr) pass.multiplier().bias_gradient(dz, p[1].gradient);
    pass.multiplier().input_gradient(dz, w, d_pooled, linear::gemm_output::accumulate);
    return added;
  }

  pet::linear_head<scalar_type>* head_;
  cached_block_inputs<Pass>* inputs_;
  step_additions additions_;
  std::size_t step_ = 0;
  llama::head_loss<scalar_type> loss_;
  buffer<scalar_type> pooled_, d_pooled_, d_hidden_, logits_, d_logits_;
};

}  // namespace quipu::conpet

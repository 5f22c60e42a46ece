/// @file Classification of sequences by heads on single rows, each sequence by its own head.
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
#include <quipu/linear/project.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/pet/linear_head.hpp>

namespace quipu::llama {

/// What is classified: the state after the final norm at one row of a sequence.
template <class Scalar>
struct classified_row {
  std::size_t sequence = 0;            ///< of the training batch
  std::size_t row = 0;                 ///< within the sequence, virtual rows included
  const pet::linear_head<Scalar>* head = nullptr;
  std::int64_t target = ignored_label; ///< class, or `ignored_label` if only logits are wanted
  double weight = 1;                   ///< in the loss, above 0
};

/// Heads on top of a training pass. Memory is kept from call to call.
template <class Scalar>
class classifier {
 public:
  using row_type = classified_row<Scalar>;

  /// Logits of each row, one after the other in the order of `wanted`.
  /// @throws config_error  rows that are not in the batch, a missing head or one for another width
  template <class Pass, class Hooks>
  [[nodiscard]] std::vector<std::vector<Scalar>> logits(Pass& pass, const training_batch& batch,
                                                        std::span<const row_type> wanted, Hooks& hooks) {
    place(pass, batch, wanted);
    const auto hidden = pass.evaluate(batch, hooks);
    std::vector<std::vector<Scalar>> all;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto w = wanted[i].head->weight();
      all.emplace_back(w.rows);
      const linear::projection<Scalar> product{&w, wanted[i].head->bias(), {all.back().data(), 1, w.rows}};
      pass.projector().run(hidden.middle_rows(rows_[i], 1), {&product, 1});
    }
    return all;
  }

  /// Forward, cross-entropy of every row with a target, backward; gradients are added to.
  /// @param divisor  weight that counts in the whole step, over all its batches: rows, if none has another weight
  /// @throws config_error  as `logits`; a target that is no class of its head, two targets for one row
  template <class Pass, class Number, class Hooks, class Gradients>
  loss_sum step(Pass& pass, const training_batch& batch, std::span<const row_type> wanted, Number divisor, Hooks& hooks,
                const Gradients& g) {
    place(pass, batch, wanted);
    check_targets(wanted);
    const auto hidden = pass.forward(batch, hooks);
    d_hidden_.reserve_discarding(hidden.rows() * hidden.cols());
    const auto d_hidden = d_hidden_.matrix(hidden.rows(), hidden.cols());
    std::fill_n(d_hidden.data(), hidden.rows() * hidden.cols(), Scalar(0));
    const double weight = divisor == 0 ? 0 : 1.0 / static_cast<double>(divisor);
    const loss_sum loss = run(pass, hidden, wanted, weight, d_hidden);
    if (loss.n_counted > 0 && weight != 0) pass.backward(batch, d_hidden, hooks, g);
    return loss;
  }

  /// The loss alone.
  template <class Pass, class Hooks>
  loss_sum loss(Pass& pass, const training_batch& batch, std::span<const row_type> wanted, Hooks& hooks) {
    place(pass, batch, wanted);
    check_targets(wanted);
    return run(pass, pass.evaluate(batch, hooks), wanted, 0, {});
  }

 private:
  template <class Pass>
  void place(const Pass& pass, const training_batch& batch, std::span<const row_type> wanted) {
    rows_.clear();
    for (const row_type& w : wanted) {
      if (w.sequence >= batch.segments().size())
        fail<config_error>("classifier: sequence", concat("below ", batch.segments().size()), w.sequence);
      const auto& s = batch.segments()[w.sequence];
      if (w.row >= s.n_row) fail<config_error>("classifier: row of a sequence", concat("below ", s.n_row), w.row);
      if (w.head == nullptr) fail<config_error>("classifier: head", "one for every row", "none");
      const std::size_t d_model = pass.model().config().d_model;
      if (w.head->d_model() != d_model)
        fail<config_error>("classifier: head's width", concat("d_model = ", d_model), w.head->d_model());
      rows_.push_back(s.first_row + w.row);
    }
  }
  void check_targets(std::span<const row_type> wanted) const {
    auto sorted = rows_;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      fail<config_error>("classifier: rows", "each once", "one twice");
    for (const row_type& w : wanted) {
      if (w.target != ignored_label && (w.target < 0 || static_cast<std::uint64_t>(w.target) >= w.head->n_class())) {
        fail<config_error>("classifier: target", concat("0 .. ", w.head->n_class() - 1, " or ", ignored_label),
                           w.target);
      }
      if (!(w.weight > 0)) fail<config_error>("classifier: weight", "above 0", w.weight);
    }
  }

  // One product for each head, over all its rows.
  template <class Pass>
  loss_sum run(Pass& pass, matrix_view<const Scalar> hidden, std::span<const row_type> wanted, double weight,
               matrix_view<Scalar> d_hidden) {
    loss_sum total;
    std::vector<const pet::linear_head<Scalar>*> done;
    for (const row_type& first : wanted) {
      if (std::find(done.begin(), done.end(), first.head) != done.end()) continue;
      done.push_back(first.head);
      targets_.assign(hidden.rows(), ignored_label);
      weights_.assign(hidden.rows(), 1);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].head != first.head) continue;
        targets_[rows_[i]] = wanted[i].target;
        weights_[rows_[i]] = wanted[i].weight;
      }
      const auto w = first.head->weight();
      const auto p = first.head->parameters();
      total += loss_.run(pass.projector(), pass.multiplier(), {w, p[0].gradient, p[1].value, p[1].gradient}, hidden,
                         targets_, weight, d_hidden, weights_);
    }
    return total;
  }

  std::vector<std::size_t> rows_;  // of the batch
  std::vector<std::int64_t> targets_;
  std::vector<double> weights_;
  head_loss<Scalar> loss_;
  buffer<Scalar> d_hidden_;
};

}  // namespace quipu::llama

/// @file The objective of heads on single rows: each sequence is classified by a head of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/llama/classifier.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/objective.hpp>

namespace quipu::train {

/// Role `labelled_source`: an `example_source` that says by `classified(i, n_row)` which of the n_row rows of
/// sequence i a head classifies, by which head and as what; the sequence's number is filled in by the objective.
template <class S, class Scalar>
concept labelled_source = example_source<S> && requires(const S& s, std::size_t i, std::size_t n_row) {
  { s.classified(i, n_row) } -> std::same_as<llama::classified_row<Scalar>>;
};

/// Sequences, and which of their rows are classified.
template <class Scalar>
struct classification_batch : llama::training_batch {
  using llama::training_batch::training_batch;

  std::vector<llama::classified_row<Scalar>> wanted;
};

/// Cross-entropy of the heads' classes, averaged over the weights of the rows. The heads' parameters train with the
/// others if they are in the trainer's set.
template <class Scalar>
class classification {
 public:
  using batch_type = classification_batch<Scalar>;

  [[nodiscard]] static std::string identity() { return "classification"; }
  template <labelled_source<Scalar> Source>
  static void add(const Source& source, std::size_t i, batch_type& batch) {
    const std::size_t sequence = batch.segments().size();
    source.add(i, batch);
    auto row = source.classified(i, batch.segments()[sequence].n_row);
    row.sequence = sequence;
    row.weight *= batch.factor();
    batch.wanted.push_back(row);
  }
  /// Adds what the rows are classified as to a hash of the data.
  static void describe(const batch_type& batch, pet::key_hash& hash) {
    for (const auto& row : batch.wanted) {
      hash.add_value(static_cast<std::uint64_t>(row.sequence));
      hash.add_value(static_cast<std::uint64_t>(row.row));
      hash.add_value(static_cast<std::int64_t>(row.target));
      hash.add_value(static_cast<double>(row.weight));
    }
  }
  [[nodiscard]] static double weight(const batch_type& batch) noexcept {
    double sum = 0;
    for (const auto& row : batch.wanted) sum += row.target == llama::ignored_label ? 0 : row.weight;
    return sum;
  }
  template <class Pass, class Hooks, class Gradients>
  llama::loss_sum step(Pass& pass, const batch_type& batch, double divisor, Hooks& hooks, const Gradients& g) {
    return classifier_.step(pass, batch, batch.wanted, divisor, hooks, g);
  }
  template <class Pass, class Hooks>
  llama::loss_sum loss(Pass& pass, const batch_type& batch, Hooks& hooks) {
    return classifier_.loss(pass, batch, batch.wanted, hooks);
  }

 private:
  llama::classifier<Scalar> classifier_;
};

static_assert(objective<classification<float>>);

}  // namespace quipu::train

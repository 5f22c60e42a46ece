/// @file What a training step minimises: the role `objective`, and the language model's own loss.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string>

#include <quipu/llama/loss.hpp>  // loss_sum
#include <quipu/llama/training_batch.hpp>
#include <quipu/llama/weight_gradients.hpp>
#include <quipu/pet/key_hash.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::train {

/// All of a step, known before its first pass: what a penalty on hidden values divides by, for one.
struct step_plan {
  std::size_t step = 0;        ///< its number, from 0
  std::size_t n_pass = 0;      ///< batches that the step adds up
  std::size_t n_sequence = 0;  ///< of all of them, as are the next three
  std::size_t n_row = 0;       ///< tokens and virtual rows
  std::size_t n_counted = 0;   ///< rows that have a label of the language model's
  double weight = 0;           ///< what the objective divides its sum by
};

/// Objectives, hooks and companions that want to see every step before its first pass.
template <class T>
concept step_observer = requires(T& t, const step_plan& plan) {
  t.begin_step(plan);
};

/// Objectives that add to a step as a whole, after its last pass and before its gradients are looked at: penalties on values, projections.
/// @return of `end_step`: what it adds to the step's mean loss
template <class T>
concept step_finisher = requires(T& t) {
  { t.end_step() } -> std::convertible_to<double>;
};

/// The mean negative log-likelihood of the labels, each sequence with its weight.
struct language_modelling {
  using batch_type = llama::training_batch;

  /// Part of what a resumed run must share; nothing for the default.
  [[nodiscard]] static std::string identity() { return {}; }
  template <example_source Source>
  static void add(const Source& source, std::size_t i, batch_type& batch) {
    source.add(i, batch);
  }
  [[nodiscard]] static double weight(const batch_type& batch) noexcept { return batch.total_weight(); }
  template <class Pass, class Hooks, class Gradients>
  static llama::loss_sum step(Pass& pass, const batch_type& batch, double divisor, Hooks& hooks, const Gradients& g) {
    return pass.step(batch, divisor, hooks, g);
  }
  template <class Pass, class Hooks>
  static llama::loss_sum loss(Pass& pass, const batch_type& batch, Hooks& hooks) {
    return pass.loss(batch, hooks);
  }
};

template <class B>
concept objective_batch = std::derived_from<B, llama::training_batch> && std::copyable<B> &&
    std::constructible_from<B, std::size_t, std::size_t>;
template <class O>
concept has_objective_batch = objective_batch<typename O::batch_type>;
template <class O>
concept has_objective_weight = requires(O& o, const typename O::batch_type& batch) {
  { o.weight(batch) } -> std::convertible_to<double>;
};
template <class O>
concept has_identity = requires(const O& o) {
  { o.identity() } -> std::convertible_to<std::string>;
};
template <class O, class Source>
concept gathers_from = requires(O& o, const Source& source, typename O::batch_type& batch) {
  o.add(source, std::size_t{}, batch);
};
template <class O, class Pass, class Hooks>
concept steps_on = requires(O& o, Pass& pass, const typename O::batch_type& batch, Hooks& hooks,
                            const llama::weight_gradients<typename Pass::scalar_type>& g) {
  { o.step(pass, batch, double{}, hooks, g) } -> std::same_as<llama::loss_sum>;
  { o.loss(pass, batch, hooks) } -> std::same_as<llama::loss_sum>;
};

/// Optional: adds what a batch knows besides tokens, labels and weights to a hash of the data, which a resumed run must
/// share.
template <class O>
concept describes_batches = requires(O& o, const typename O::batch_type& batch, pet::key_hash& hash) {
  o.describe(batch, hash);
};

/// Role `objective`: what is minimised, movable; memory of its own is kept from pass to pass.
///   batch_type                  a `llama::training_batch`, made as one is, with what else must be known of its
///                               sequences
///   add(source, i, batch)       example i of a source
///   weight(batch)               what the batch adds to the step's divisor
///   step(pass, batch, divisor, hooks, gradients)
///                               forward, loss and backward with gradients of loss / divisor, which are added to;
///                               the divisor is the sum of `weight` over all passes of the step
///   loss(pass, batch, hooks)    the loss alone
///   identity()                  what a resumed run must share; empty if that is nothing
///   begin_step(plan)            optional, see `step_observer`
///   end_step()                  optional, see `step_finisher`
///   describe(batch, hash)       optional, see `describes_batches`
template <class O>
concept objective = std::movable<O> && has_objective_batch<O> && has_objective_weight<O> && has_identity<O>;

/// An objective that takes examples from a source and runs with a pass and hooks.
template <class O, class Source, class Pass, class Hooks>
concept objective_on = objective<O> && gathers_from<O, Source> && steps_on<O, Pass, Hooks>;

/// Says in one sentence what a type lacks to be an objective.
template <class O>
consteval void explain_objective() {
  if constexpr (!std::movable<O>) {
    static_assert(std::movable<O>, "objective: it must be movable");
  } else if constexpr (!has_objective_batch<O>) {
    static_assert(has_objective_batch<O>,
                  "objective: declare 'batch_type', a copyable llama::training_batch made from (n_virtual, position)");
  } else if constexpr (!has_objective_weight<O>) {
    static_assert(has_objective_weight<O>, "objective: declare 'double weight(const batch_type&)'");
  } else {
    static_assert(objective<O>, "objective: declare 'std::string identity() const'");
  }
}
template <class O, class Source, class Pass, class Hooks>
consteval void explain_objective_on() {
  if constexpr (!gathers_from<O, Source>) {
    static_assert(gathers_from<O, Source>,
                  "objective: declare 'add(source, i, batch)' for the source that the trainer runs on");
  } else {
    static_assert(steps_on<O, Pass, Hooks>,
                  "objective: declare 'loss_sum step(pass, batch, divisor, hooks, gradients)' and 'loss_sum loss(pass, "
                  "batch, hooks)'");
  }
}

static_assert(objective<language_modelling>);

}  // namespace quipu::train

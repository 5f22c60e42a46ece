/// @file The second step of ProSparse: training all weights with a regularisation that makes the FFN sparse.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/thread_team.hpp>
#include <quipu/linear/backward.hpp>  // product_rounding
#include <quipu/llama/model.hpp>
#include <quipu/llama/tape.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/prosparse/corpus.hpp>
#include <quipu/schedule/any_lambda.hpp>
#include <quipu/schedule/lambda.hpp>
#include <quipu/sparsity/any_regulariser.hpp>
#include <quipu/sparsity/regularised_hooks.hpp>
#include <quipu/sparsity/sparsity_companion.hpp>
#include <quipu/train/run.hpp>
#include <quipu/train/target_windows.hpp>
#include <quipu/train/trainer.hpp>

namespace quipu::prosparse {

/// AdamW with gradients clipped, its learning rate rising in a straight line and falling along half a cosine, steps counted
/// from 1; the text in windows of as many targets as inputs.
///
/// @tparam Regulariser  models `sparsity::regulariser`
/// @tparam Lambda       models `schedule::schedule_policy`
template <class Regulariser = sparsity::any_regulariser, class Lambda = schedule::any_lambda>
struct train_options {
  Regulariser regulariser{};
  Lambda lambda{};
  std::size_t n_step = 800;
  std::size_t n_token = 256;     ///< inputs of a window
  std::size_t batch_size = 8;    ///< windows in a pass
  std::size_t n_accumulate = 1;  ///< passes in a step
  double learning_rate = 1e-3;   ///< the highest
  std::size_t n_warm_up = 20;    ///< steps until it is reached
  double last_rate = 0.1;        ///< of the last step, as a share of the highest
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.01;
  double max_gradient_norm = 1;
  bool shuffle = false;          ///< false: windows in the order of the text
  std::uint64_t seed = 0;        ///< of the order, if it is shuffled
  std::size_t validate_every = 0, save_every = 0;  ///< steps, as the trainer's
  std::size_t dead_after = 100;  ///< steps after which a neuron that was not active counts as dead
  optim::name_pattern trains = optim::name_pattern::all();  ///< tensors that change
  thread_team team = thread_team();
  llama::tape_depth depth = llama::tape_depth::everything;
  linear::product_rounding products = linear::product_rounding::none;
  std::string folder{};  ///< for checkpoints and log; empty: none
  bool resume = false, overwrite = false, trust_unrecorded = false;  ///< as the trainer's
  std::map<std::string, std::string, std::less<>> recipe{};          ///< as the trainer's
  /// After every step, with the fields of `sparsity_companion`; false stops, saving first.
  std::function<bool(const train::step_report&)> progress{};
};

/// What training gave: a model whose weights are its own, and how the run ended.
template <class Model>
struct trained {
  Model model;
  train::training_result result;
  std::size_t n_dead = 0;  ///< neurons that were not active in the last `dead_after` steps
};

namespace detail {

/// What a resumed run must share of a lambda: its numbers, if they do not depend on the run.
template <class Lambda>
[[nodiscard]] std::string lambda_text(Lambda lambda, std::size_t n_step) {
  pet::key_hash hash;
  for (std::size_t t = 1; t <= n_step; ++t) {
    hash.add_value(static_cast<double>(lambda(t)));
    // One that follows shows its rule when it is told of a dense model and of a sparse one.
    if constexpr (schedule::following_schedule<Lambda>) lambda.follow(t, t % 3 == 0 ? 1.0 : 0.0);
  }
  return hash.text();
}

template <class Scalar, class Policies, class Regulariser, class Lambda>
[[nodiscard]] auto train(const llama::basic_model<Policies>& m, const corpus& text, const train_options<Regulariser, Lambda>& o) {
  const train::target_windows source(text.training, o.n_token);
  auto trainable = llama::thaw<Scalar>(m);
  if (trainable.select(o.trains) == 0) fail<config_error>("prosparse: tensors that train", "at least one", "none");
  llama::training_pass pass(trainable.model(), o.team, o.depth, o.products);
  sparsity::regularised_hooks<Scalar, Regulariser, Lambda> hooks(o.regulariser, o.lambda, m.config(), o.team, o.depth);
  sparsity::sparsity_companion companion(hooks, o.dead_after);
  train::trainer_options run{.n_step = o.n_step,
                             .batch_size = o.batch_size,
                             .n_accumulate = o.n_accumulate,
                             .max_gradient_norm = o.max_gradient_norm,
                             .seed = o.seed,
                             .shuffle = o.shuffle,
                             .validate_every = o.validate_every,
                             .save_every = o.save_every,
                             .folder = o.folder,
                             .resume = o.resume,
                             .overwrite = o.overwrite,
                             .trust_unrecorded = o.trust_unrecorded,
                             .recipe = o.recipe,
                             .progress = o.progress};
  run.recipe["regulariser"] = std::string(o.regulariser.name());
  run.recipe["lambda"] = lambda_text(o.lambda, o.n_step);
  run.recipe["activation"] = concat(m.config().hidden_act, " ", exact_text(m.config().activation_threshold));
  train::trainer trainer(pass, trainable.parameters(), trainable.gradients(),
                         optim::adamw{.learning_rate = o.learning_rate,
                                      .beta1 = o.beta1,
                                      .beta2 = o.beta2,
                                      .eps = o.eps,
                                      .weight_decay = o.weight_decay},
                         schedule::shifted{schedule::cosine{o.n_warm_up, o.n_step, o.last_rate}, 1}, run);
  trainer.attach("sparsity", companion);
  const train::training_result result = [&] {
    if (text.validation.size() <= o.n_token) return trainer.run(source, hooks);
    return trainer.run(source, hooks, train::target_windows(text.validation, o.n_token));
  }();
  return trained<typename decltype(trainable)::model_type>{trainable.freeze(), result, companion.n_dead(result.step)};
}

}  // namespace detail

/// Trains all weights of a copy of the model, in `Scalar`. What comes out is a function of model, text and options alone, but
/// for team, folder and progress: neither threads nor interruptions change a bit.
///
/// @param m     its FFN kernel models `ffn::trainable_ffn_kernel`; nothing of it changes
/// @param text  the validation text may be shorter than a window: then there is no validation
/// @throws config_error   a training text shorter than one window, options that contradict each other; as `trainer::run`
/// @throws numeric_error  a loss or gradient that is not finite
/// @throws io_error       the folder cannot be written
/// Source: Song et al. 2024, "ProSparse", algorithm 1.
template <class Scalar = float, class Policies, class Regulariser, class Lambda>
[[nodiscard]] auto train(const llama::basic_model<Policies>& m, const corpus& text, const train_options<Regulariser, Lambda>& options) {
  return detail::train<Scalar>(m, text, options);
}
/// The same for options that are written in place: `train(model, text, {.regulariser = sparsity::l1_hidden{}, ...})`.
template <class Scalar = float, class Policies>
[[nodiscard]] auto train(const llama::basic_model<Policies>& m, const corpus& text, const train_options<>& options) {
  return detail::train<Scalar>(m, text, options);
}

}  // namespace quipu::prosparse

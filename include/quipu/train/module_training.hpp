/// @file Training one parameter-efficient module on a list of examples, the model as it is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/trainer.hpp>

namespace quipu::train {

/// AdamW without weight decay, gradients clipped at a norm of 1, the learning rate falling to 0 in a straight line.
struct module_training_options {
  double learning_rate = 1e-3;
  std::size_t n_step = 0;       ///< optimiser steps in all
  std::size_t n_warm_up = 10;   ///< steps
  std::size_t batch_size = 16;  ///< examples of a step; no more than there are
  std::uint64_t seed = 0;       ///< of the order of the examples
  std::size_t save_every = 0;   ///< steps; 0 only at the end
  std::string folder{};         ///< for checkpoints and log; empty: none
  bool resume = false, overwrite = false, trust_unrecorded = false;  ///< as the trainer's
  std::map<std::string, std::string, std::less<>> recipe{};          ///< as the trainer's
  std::function<bool(const step_report&)> progress{};  ///< after every step; false stops, saving first
};

/// The size of the batches that examples come in: at least 1, at most all of them.
[[nodiscard]] inline std::size_t batch_of(std::size_t wanted, std::size_t n_example) noexcept {
  return std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, n_example));
}

/// Trains a module of any kind from the values that it has. What comes out is a function of model, module, examples
/// and options alone.
/// @param module  models `pet::pet_module`; bound to the model's weights if its kind looks at them
/// @throws as `trainer::run`
template <class Model, class Module, example_source Examples>
training_result train_module(llama::training_pass<Model>& pass, Module& module, const Examples& examples,
                             const module_training_options& options) {
  llama::bind_base(module, pass.model());
  llama::module_hooks hooks(module, pass.workspace());
  trainer training(pass, module.parameters(), llama::weight_gradients<typename Model::scalar_type>(),
                   optim::adamw{.learning_rate = options.learning_rate, .weight_decay = 0},
                   schedule::damped_linear{options.n_warm_up, std::max<std::size_t>(1, options.n_step)},
                   {.n_step = options.n_step,
                    .batch_size = batch_of(options.batch_size, examples.size()),
                    .max_gradient_norm = 1,
                    .seed = options.seed,
                    .save_every = options.save_every,
                    .folder = options.folder,
                    .resume = options.resume,
                    .overwrite = options.overwrite,
                    .trust_unrecorded = options.trust_unrecorded,
                    .recipe = options.recipe,
                    .progress = options.progress});
  return training.run(examples, hooks);
}

}  // namespace quipu::train

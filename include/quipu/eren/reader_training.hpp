/// @file Teaching a reader: LoRA on the model's attention, a few hundred questions, some minutes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <quipu/core/random.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/trainer.hpp>

namespace quipu::eren {

/// Falls in a straight line to 0 at step `total`; the first `n_warm_up` steps are damped on top of it, from
/// 1 / n_warm_up, so that no step is without effect.
struct reader_schedule {
  std::size_t n_warm_up = 10;
  std::size_t total = 1;

  [[nodiscard]] double operator()(std::size_t step) const noexcept {
    const double rising =
        n_warm_up == 0 ? 1 : std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(n_warm_up));
    return rising * (1 - static_cast<double>(step) / static_cast<double>(total));
  }
};
static_assert(schedule::schedule_policy<reader_schedule>);

struct reader_training_options {
  pet::lora lora = {
      .rank = 8, .alpha = 16, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj", "v_proj", "o_proj"})};
  double learning_rate = 1e-3;
  std::size_t n_pass = 2;      ///< over the examples, rounded down to whole batches
  std::size_t batch_size = 16;
  std::size_t n_warm_up = 10;  ///< steps
  std::uint64_t seed = 0;
  std::size_t save_every = 0;  ///< steps; 0 only at the end
  std::string folder{};        ///< for checkpoints and log; empty: none
  bool resume = false;
  std::function<bool(const train::step_report&)> progress{};
};

template <class Scalar>
struct trained_reader {
  pet::lora::module<Scalar> module;
  train::training_result result;
};

/// Trains LoRA on examples (see `encode_examples`); the model stays as it is. What comes out is a function of model,
/// examples and options alone.
/// @throws as `train::trainer::run`
template <class Model, train::example_source Examples>
[[nodiscard]] trained_reader<typename Model::scalar_type> train_reader(llama::training_pass<Model>& pass,
                                                                       const Examples& examples,
                                                                       const reader_training_options& options = {}) {
  using scalar = typename Model::scalar_type;
  trained_reader<scalar> made{{options.lora, pass.model().config(), options.seed}, {}};
  // A ~ N(0, 1 / d_in), wider by sqrt(3) than LoRA's usual start: so few steps gain from it.
  for (std::size_t p = 0; p < made.module.parameters().size(); ++p) {
    const auto& a = made.module.parameters()[p];
    if (!a.name.ends_with("lora_A.weight")) continue;
    random_stream random(options.seed, (std::uint64_t{1} << 32) + p);
    const double deviation = 1 / std::sqrt(static_cast<double>(a.shape[1]));
    std::generate_n(a.value, a.size(), [&] { return static_cast<scalar>(deviation * random.normal()); });
  }
  llama::module_hooks hooks(made.module, pass.workspace());
  const std::size_t batch = std::clamp<std::size_t>(options.batch_size, 1, std::max<std::size_t>(1, examples.size()));
  const std::size_t n_step = options.n_pass * (examples.size() / batch);
  train::trainer trainer(pass, made.module.parameters(), llama::weight_gradients<scalar>(),
                         optim::adamw{.learning_rate = options.learning_rate, .weight_decay = 0},
                         reader_schedule{options.n_warm_up, n_step},
                         {.n_step = n_step,
                          .batch_size = batch,
                          .max_gradient_norm = 1,
                          .seed = options.seed,
                          .save_every = options.save_every,
                          .folder = options.folder,
                          .resume = options.resume,
                          .progress = options.progress});
  made.result = trainer.run(examples, hooks);
  return made;
}

}  // namespace quipu::eren

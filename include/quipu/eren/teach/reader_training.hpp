/// @file Teaching a reader: LoRA on the model's attention, a few hundred questions, some minutes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <quipu/core/random.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/module_training.hpp>
#include <quipu/train/trainer.hpp>  // step_report

namespace quipu::eren {

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
  bool resume = false, overwrite = false, trust_unrecorded = false;  ///< as the trainer's
  std::map<std::string, std::string, std::less<>> recipe{};          ///< as the trainer's
  std::function<bool(const train::step_report&)> progress{};
};

template <class Scalar>
struct trained_reader {
  pet::lora::module<Scalar> module;
  train::training_result result;
};

/// Trains LoRA on examples (see `encode_examples`); the model stays as it is. What comes out is a function of model,
/// examples and options alone.
/// Another kind of module: `train::train_module`, then `module_adapter`.
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
  const std::size_t batch = train::batch_of(options.batch_size, examples.size());
  made.result = train::train_module(pass, made.module, examples,
                                    {.learning_rate = options.learning_rate,
                                     .n_step = options.n_pass * (examples.size() / batch),
                                     .n_warm_up = options.n_warm_up,
                                     .batch_size = batch,
                                     .seed = options.seed,
                                     .save_every = options.save_every,
                                     .folder = options.folder,
                                     .resume = options.resume,
                                     .overwrite = options.overwrite,
                                     .trust_unrecorded = options.trust_unrecorded,
                                     .recipe = options.recipe,
                                     .progress = options.progress});
  return made;
}

}  // namespace quipu::eren

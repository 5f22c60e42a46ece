/// @file Streams that are made in the test, for a model that learns them in seconds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <quipu/conpet/learner_core.hpp>
#include <quipu/core/random.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/pet/lora.hpp>

#include "support/shared_data.hpp"

namespace quipu::test {

inline std::filesystem::path stories_folder() { return shared_root() / "data" / "models" / "stories260K"; }

/// The model of 260,000 parameters that tells stories.
inline auto stories() {
  return llama::load<activations::f32, kv::exact>((stories_folder() / "stories260K.bin").string(),
                                                  {.tokenizer = (stories_folder() / "tok512.bin").string()});
}

/// Tasks whose classes have words of their own among words of all.
inline data::task_stream word_stream(std::size_t n_task, std::size_t n_class, std::size_t n_train = 24, std::uint64_t seed = 3) {
  static const char* const words[] = {"dog",  "cat",  "bird", "fish", "tree", "ball", "cake", "rain", "boat", "bear", "frog", "star",
                                      "moon", "milk", "shoe", "bike", "king", "hat",  "car",  "bed",  "egg",  "toy",  "bug",  "sun"};
  static const char* const frame[] = {"The little", "One day a", "Lily saw the", "Tim and the", "They like a", "Look at the"};
  random_stream random(seed);
  data::task_stream stream{"words", {}};
  for (std::size_t t = 0; t < n_task; ++t) {
    data::stream_task task{"task" + std::to_string(t), {}, {}, {}, {}};
    for (std::size_t c = 0; c < n_class; ++c) {
      const std::size_t w = 2 * (t * n_class + c);
      task.classes.push_back(words[w]);
      const auto text = [&] {
        return std::string(frame[random.below(6)]) + " " + words[w + random.below(2)] + " " + words[w + random.below(2)] + ".";
      };
      for (std::size_t i = 0; i < n_train; ++i) task.train.push_back({text(), c});
      for (std::size_t i = 0; i < 4; ++i) task.validation.push_back({text(), c});
      for (std::size_t i = 0; i < 6; ++i) task.test.push_back({text(), c});
    }
    stream.tasks.push_back(std::move(task));
  }
  return stream;
}

/// Modules of blocks 2 and up, so that inputs are cached.
inline pet::lora small_lora() {
  return {.rank = 4, .alpha = 8, .targets = optim::name_pattern::regex("model\\.layers\\.[2-9]\\..*(q_proj|v_proj|up_proj)")};
}

inline conpet::tuner_options short_training() {
  conpet::tuner_options options;
  options.training.n_step = 60;
  options.training.batch_size = 12;
  options.training.learning_rate = 5e-3;
  options.n_thread = 2;
  return options;
}

}  // namespace quipu::test

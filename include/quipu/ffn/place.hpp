/// @file What an FFN kernel's state is made from besides its policy and weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include <quipu/core/progress.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/form_cache.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::ffn {

/// The tensor of a checkpoint that holds every layer's share of active neurons, (n_layer).
inline constexpr std::string_view density_tensor_name = "quipu.ffn_density";

/// The place of a kernel: which block of which model, what came with its checkpoint, and what to work with.
/// Valid while the state is being made; a state copies what it wants to keep.
struct place {
  std::size_t layer = 0;
  const io::model_config& config;
  /// Tensors and metadata of the checkpoint that are not a LLaMA's own (thresholds, predictors), and a hash of its
  /// weights that files made for them are keyed by.
  const io::checkpoint_content& content;
  const thread_team& team;             ///< for rearranging weights
  const progress_callback& progress;   ///< to be called through `report_progress`; may be empty
  form_cache* forms = nullptr;         ///< of these weights: forms that other kernels made of them; null: none are shared
};

}  // namespace quipu::ffn

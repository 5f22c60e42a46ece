/// @file What learning a task costs in products, and what a learner stores for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/conpet/evaluate.hpp>  // has_one_expert
#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/report/task_costs.hpp>

namespace quipu::conpet {

/// A training as products see it.
struct training_work {
  std::size_t first_block = 0;         ///< lowest block with a module; rows below it are computed once
  std::size_t n_row = 0;               ///< tokens, over all steps
  std::size_t n_row_once = 0;          ///< tokens whose rows below `first_block` were computed: of different texts, where they are cached
  std::size_t n_text = 0;              ///< that heads were asked about, over all steps
  std::size_t n_module_parameter = 0;  ///< each multiplies every row once (LoRA)
  std::size_t n_head_parameter = 0;
};

/// Additions and multiplications of the products with weights, two for each weight and row: the frozen model's forward and backward above the first
/// block with a module and forward alone below, module and head forward and twice backward. Attention's products of rows with rows, norms and
/// activations are left out.
/// @throws config_error  a block that the model does not have
[[nodiscard]] inline double training_flops(const io::model_config& c, const training_work& w) {
  if (w.first_block > c.n_layer) fail<config_error>("training_flops: first block", concat("0 .. ", c.n_layer), w.first_block);
  const auto real = [](std::size_t n) { return static_cast<double>(n); };
  const double block = real(c.d_model) * real(2 * c.d_q() + 2 * c.d_kv() + 3 * c.d_ffn);
  const double base = block * (2 * real(c.n_layer - w.first_block) * real(w.n_row) + real(w.first_block) * real(w.n_row_once));
  return 2 * (base + 3 * (real(w.n_module_parameter) * real(w.n_row) + real(w.n_head_parameter) * real(w.n_text)));
}

/// Tokens of a task's training, worked out before or after it: `n_step` batches of texts that are as long as these on average.
[[nodiscard]] inline training_work work_of(std::span<const encoded_example> texts, std::size_t first_block, std::size_t n_step, std::size_t batch_size) {
  training_work w{.first_block = first_block, .n_text = n_step * batch_size};
  for (const encoded_example& e : texts) w.n_row_once += e.tokens.size();
  if (!texts.empty())
    w.n_row = static_cast<std::size_t>(static_cast<double>(w.n_row_once) / static_cast<double>(texts.size()) * static_cast<double>(w.n_text) + 0.5);
  return w;
}

/// What a learner stores for its newest task, in parameters and bytes: values as they are written to files, floats of a module, doubles of a selector's
/// sums. Time, FLOPs and peak memory are the caller's to add.
/// @throws config_error  before the first task
template <class Tuner>
[[nodiscard]] report::task_cost stored_cost(const Tuner& tuner) {
  if (tuner.size() == 0) fail<config_error>("stored_cost", "a learner that has learned a task", "none yet");
  report::task_cost cost{.task = tuner.tasks().back().name};
  const auto count = [](const auto& expert, std::size_t& module, std::size_t& head) {
    module = optim::n_value<float>(expert.module->parameters());
    head = optim::n_value<float>(expert.head->parameters());
  };
  if constexpr (has_one_expert<Tuner>) {
    count(tuner.who(), cost.n_module_parameter, cost.n_head_parameter);
  } else {
    count(tuner.tasks().back().who, cost.n_module_parameter, cost.n_head_parameter);
    if (const auto& selector = tuner.trained_selector_expert(); selector.module != nullptr) {
      std::size_t module = 0, head = 0;
      count(selector, module, head);
      cost.n_selector_parameter = module + head;
      cost.n_selector_byte = sizeof(float) * cost.n_selector_parameter;
    }
    if (!tuner.selection().empty()) {
      const auto& m = tuner.selection().moments();
      cost.n_selector_byte += sizeof(double) * (m.n_class() * (m.n_feature() + 1) + m.n_feature() * m.n_feature());
    }
  }
  cost.n_module_byte = sizeof(float) * cost.n_module_parameter;
  cost.n_head_byte = sizeof(float) * cost.n_head_parameter;
  cost.n_memory_byte = tuner.core().memory.n_byte();
  return cost;
}

}  // namespace quipu::conpet

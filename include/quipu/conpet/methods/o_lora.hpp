/// @file O-LoRA: each task has rows of LoRA of its own, orthogonal to those of earlier tasks, which are frozen.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/orthogonal_lora.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/pet/lora.hpp>

namespace quipu::conpet {

/// LoRA with the ranks of several tasks, whose factor of B A stays what it was.
[[nodiscard]] inline pet::lora stacked(pet::lora one, std::size_t n_task) {
  const double factor = static_cast<double>(n_task), alpha = one.rs_lora ? std::sqrt(factor) : factor;
  one.rank *= n_task;
  one.alpha *= alpha;
  for (auto& p : one.rank_pattern) p.value *= factor;
  for (auto& p : one.alpha_pattern) p.value *= alpha;
  return one;
}

/// The module of a learner grows by the rank of its settings with every task: B A is the sum of the tasks' products. What earlier tasks trained has no
/// gradient and no weight decay, and A of the new one is pulled from theirs by `overlap_loss`. The module is LoRA of a higher rank, so its
/// folder opens in PEFT. The head trains on as a whole; `replay::none` is the paper's setting.
/// Source: Wang et al. 2023, "Orthogonal subspace learning for language model continual learning" (O-LoRA).
struct o_lora {
  using policy_role = role::learning_method;
  double strength = 0.5;
  overlap_norm norm = overlap_norm::square;

  struct state {
    std::size_t n_task = 0;

    [[nodiscard]] kept_arrays arrays() const { return {{"tasks", {{1}, {static_cast<double>(n_task)}}}}; }
    void restore(const kept_arrays& saved) {
      const auto n = values_of<std::size_t>(saved, "tasks");
      if (n.size() != 1) fail<format_error>("state of o_lora: tasks", "one number", n.size());
      n_task = n[0];
    }
  };

  [[nodiscard]] std::string identity() const { return concat("o_lora, strength ", exact_text(strength), norm == overlap_norm::size ? ", sizes" : ""); }

  /// What a new task's rows add to the loss, and their gradients; those of earlier tasks' become 0.
  /// @param parameters  A (rank, d_in) and B (d_out, rank) of each target, and whatever else trains
  /// @param n_task      earlier tasks, whose rows of A and columns of B come first
  [[nodiscard]] double penalty(std::span<const optim::parameter<float>> parameters, std::size_t n_task) const {
    double sum = 0;
    for (const auto& p : parameters) {
      if (is_a(p)) {
        const std::size_t n = p.rows() / (n_task + 1) * n_task, d = p.cols();
        std::fill_n(p.gradient, n * d, 0.0f);
        sum += overlap_loss<float>({p.value + n * d, p.rows() - n, d}, {p.value, n, d}, strength, {p.gradient + n * d, p.rows() - n, d}, norm);
      } else if (is_b(p)) {
        const std::size_t rank = p.cols(), n = rank / (n_task + 1) * n_task;
        for (std::size_t r = 0; r < p.rows(); ++r) std::fill_n(p.gradient + r * rank, n, 0.0f);
      }
    }
    return sum;
  }

  template <class Task>
  void learn(state& s, Task& task) const {
    using module_policy = typename Task::core_type::module_policy;
    static_assert(std::same_as<module_policy, pet::lora>, "o_lora: the learner's modules must be LoRA");
    step_additions additions;
    expert_training how = task.how();
    const std::size_t n_earlier = s.n_task;
    if (n_earlier > 0) {
      task.set_who(grown(task, n_earlier));
      how.weight_decay = 0;
    }
    const auto parameters = task.who().parameters();
    if (n_earlier > 0) additions.gradients = [this, n_earlier, &parameters](std::size_t) { return penalty(parameters, n_earlier); };
    task.train({.additions = std::move(additions), .how = how});
    ++s.n_task;
  }

 private:
  [[nodiscard]] static bool is_a(const optim::parameter<float>& p) { return std::string_view(p.name).ends_with(".lora_A.weight"); }
  [[nodiscard]] static bool is_b(const optim::parameter<float>& p) { return std::string_view(p.name).ends_with(".lora_B.weight"); }

  // Earlier rows of A and columns of B as they are; new rows as LoRA starts, new columns 0.
  template <class Task>
  [[nodiscard]] static auto grown(Task& task, std::size_t n_earlier) {
    const auto& from = task.who();
    auto made = task.core().new_expert(stacked(task.core().policy, n_earlier + 1), task.n_class(), concat("o_lora ", task.name()));
    made.head = from.head;
    const auto old = from.module->parameters(), next = made.module->parameters();
    for (std::size_t i = 0; i < next.size(); ++i) {
      const std::size_t n_old = old[i].cols(), n_new = next[i].cols();
      for (std::size_t r = 0; r < old[i].rows(); ++r) std::copy_n(old[i].value + r * n_old, n_old, next[i].value + r * n_new);
    }
    return made;
  }
};

static_assert(learning_method<o_lora> && has_kept_arrays<o_lora::state>);

}  // namespace quipu::conpet

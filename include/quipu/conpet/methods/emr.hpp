/// @file EMR: all new texts and all kept ones, in epochs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/replay/replay_order.hpp>

namespace quipu::conpet {

/// The order of episodic memory replay: epochs of a task's new texts once and the kept ones as often as lets them fill the task's steps, at least once.
/// @param usual  how often where the new texts alone fill the steps
template <class Task>
[[nodiscard]] task_order memory_replay_order(const Task& task, std::size_t usual) {
  const std::size_t n_new = task.fresh().size(), n_old = task.old().size();
  if (n_old == 0) return train::epochs();
  const replay::compute_budget budget{.batch_limit = task.how().n_step, .training_share = 1};
  return repeated_old_order(n_new, n_old, replay::replay_frequency(budget, task.how().batch_size, n_new, n_old, usual));
}

/// Episodic memory replay: as `plain`, but in epochs over all new and all kept texts.
/// Source: Wang et al. 2019, "Sentence embedding alignment for lifelong relation extraction" (EMR); ConPET's official code, batch_limit_policy 0.
struct emr {
  using policy_role = role::learning_method;
  std::size_t usual = 5;  ///< see `memory_replay_order`

  struct state {};
  [[nodiscard]] std::string identity() const { return concat("emr, usual ", usual); }
  template <class Task>
  void learn(state&, Task& task) const {
    task.train({.order = memory_replay_order(task, usual)});
  }
};

static_assert(learning_method<emr>);

}  // namespace quipu::conpet

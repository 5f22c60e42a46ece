/// @file Strategies that give every task, or every class, the same share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/random_sampling.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::replay {

/// A finished task by chance, all alike, then one of its kept examples: ConPET's dynamic replay. Without a budget everything is kept, as
/// there; with one, every task has the same share of it.
/// Source: Song et al. 2023, "ConPET", section on dynamic sampling; the official loader draws so.
struct uniform_task_sampling {
  static constexpr std::string_view name = "uniform over tasks";
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t, std::uint64_t seed) {
    index_groups groups = by_task(all);
    for (auto& members : groups) sort_by_key(members, all, seed);
    return in_turn(groups);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return group_sampler(by_task(kept)); }
};

/// Every class has the same share of what is kept and of what is drawn.
struct class_balanced {
  static constexpr std::string_view name = "balanced by class";
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, std::uint64_t seed) {
    return random_sampling::rank(all, n_place, seed);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return group_sampler(by_label(kept)); }
};

/// Every task has the same share of what is kept; all that is kept is drawn alike, so that a small task is not seen over and over.
/// Source: Avalanche's ExperienceBalancedBuffer.
struct experience_balanced {
  static constexpr std::string_view name = "balanced by task";
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, std::uint64_t seed) {
    return uniform_task_sampling::rank(all, n_place, seed);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

/// A task by the mean loss of its kept examples, then one of them: what is being forgotten is seen more often. Losses are those that
/// the host measured last, before the task began; while there are none all tasks are alike.
struct loss_aware {
  static constexpr std::string_view name = "by loss";
  double power = 1;  ///< of the mean loss; 0 makes all tasks alike

  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, std::uint64_t seed) {
    return random_sampling::rank(all, n_place, seed);
  }
  [[nodiscard]] group_sampler sampler(std::span<const candidate> kept) const {
    index_groups groups = by_task(kept);
    std::vector<double> weights;
    for (const auto& members : groups) {
      double sum = 0;
      for (const std::size_t i : members) sum += std::max(kept[i].loss, 0.0);
      weights.push_back(std::pow(sum / static_cast<double>(members.size()), power));
    }
    return group_sampler(std::move(groups), weights);
  }
};

static_assert(replay_strategy<uniform_task_sampling> && replay_strategy<class_balanced> && replay_strategy<experience_balanced> &&
              replay_strategy<loss_aware>);

}  // namespace quipu::replay

/// @file Strategies that keep by chance, or nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::replay {

/// Nothing is kept: what was learnt before is not seen again.
struct none {
  static constexpr std::string_view name = "none";
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate>, std::size_t, std::uint64_t) { return {}; }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

/// A sample of all examples that were ever offered, each with the same chance; drawn alike. Large tasks have more of it.
/// Source: Vitter 1985; Rolnick et al. 2019, "Experience replay for continual learning".
struct reservoir {
  static constexpr std::string_view name = "reservoir";
  static constexpr bool needs_budget = true;
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t, std::uint64_t seed) {
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    sort_by_key(order, all, seed);
    return order;
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

/// As many of each class as there is room for, chosen by chance; drawn alike.
struct random_sampling {
  static constexpr std::string_view name = "random";
  static constexpr bool needs_budget = true;
  [[nodiscard]] static std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t, std::uint64_t seed) {
    index_groups groups = by_label(all);
    for (auto& members : groups) sort_by_key(members, all, seed);
    return in_turn(groups);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

static_assert(replay_strategy<none> && replay_strategy<reservoir> && replay_strategy<random_sampling>);

}  // namespace quipu::replay

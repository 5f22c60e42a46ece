/// @file Draws from groups: first a group, then one of its members.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::replay {

using index_groups = std::vector<std::vector<std::size_t>>;

/// Numbers of candidates by what `key` says of them, groups in the order of their keys.
/// @param key  of_candidate(candidate) -> std::size_t
template <class Key>
[[nodiscard]] index_groups grouped(std::span<const candidate> all, Key&& key) {
  std::map<std::size_t, std::vector<std::size_t>> by_key;
  for (std::size_t i = 0; i < all.size(); ++i) by_key[key(all[i])].push_back(i);
  index_groups groups;
  for (auto& [unused, members] : by_key) groups.push_back(std::move(members));
  return groups;
}
[[nodiscard]] inline index_groups by_task(std::span<const candidate> all) {
  return grouped(all, [](const candidate& c) { return c.task; });
}
[[nodiscard]] inline index_groups by_label(std::span<const candidate> all) {
  return grouped(all, [](const candidate& c) { return c.label; });
}

/// The first of every group, then the second of every group, and so on: any head of it is as balanced as it can be. Among equals those of
/// later groups come first, so that what is new is not the first to go.
[[nodiscard]] inline std::vector<std::size_t> in_turn(const index_groups& groups) {
  std::vector<std::size_t> order;
  std::size_t longest = 0;
  for (const auto& g : groups) longest = std::max(longest, g.size());
  for (std::size_t k = 0; k < longest; ++k) {
    for (auto g = groups.rbegin(); g != groups.rend(); ++g) {
      if (k < g->size()) order.push_back((*g)[k]);
    }
  }
  return order;
}

/// A number that belongs to an example for good, whoever else is there: the smallest ones are a sample of all that were ever offered.
/// Source: Vitter 1985, "Random sampling with a reservoir", by keys in place of positions.
[[nodiscard]] inline std::uint64_t sampling_key(std::uint64_t seed, std::uint64_t number) noexcept {
  random_stream random(seed, number);
  const std::uint64_t high = random();
  return high << 32 | random();
}
inline void sort_by_key(std::vector<std::size_t>& members, std::span<const candidate> all, std::uint64_t seed) {
  std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(sampling_key(seed, all[a].number), a) < std::pair(sampling_key(seed, all[b].number), b);
  });
}

/// Draws a group by its weight, then one of its members, all alike.
class group_sampler {
 public:
  /// @param weights  (groups.size()) not negative; empty, or all 0: groups are alike
  /// @throws config_error  weights of another number, negative or not finite
  explicit group_sampler(index_groups groups, const std::vector<double>& weights = {}) : groups_(std::move(groups)) {
    if (!weights.empty() && weights.size() != groups_.size())
      fail<config_error>("group_sampler: weights", groups_.size(), weights.size());
    for (const double w : weights) {
      if (!(w >= 0) || !std::isfinite(w)) fail<config_error>("group_sampler: weight", "a finite number that is not negative", w);
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (total == 0) return;
    double sum = 0;
    for (const double w : weights) ends_.push_back((sum += w) / total);
  }

  /// @pre there is a group, and none is empty
  [[nodiscard]] std::size_t operator()(random_stream& random) const noexcept {
    const auto& members = groups_[group(random)];
    return members[random.below(static_cast<std::uint32_t>(members.size()))];
  }

 private:
  [[nodiscard]] std::size_t group(random_stream& random) const noexcept {
    if (ends_.empty()) return random.below(static_cast<std::uint32_t>(groups_.size()));
    const auto at = std::upper_bound(ends_.begin(), ends_.end(), random.uniform_double());
    return std::min(static_cast<std::size_t>(at - ends_.begin()), ends_.size() - 1);
  }

  index_groups groups_;
  std::vector<double> ends_;  // cumulative shares; empty: all alike
};

/// All kept examples alike.
[[nodiscard]] inline group_sampler uniform_sampler(std::span<const candidate> kept) {
  std::vector<std::size_t> all(kept.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return group_sampler({std::move(all)});
}

}  // namespace quipu::replay

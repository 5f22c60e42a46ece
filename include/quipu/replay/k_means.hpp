/// @file Keeps the examples nearest to the centres of clusters of their class.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/herding.hpp>  // features_of
#include <quipu/replay/replay_strategy.hpp>
#include <quipu/statistics/k_means.hpp>

namespace quipu::replay {

/// The rows nearest to the centres of `k` clusters, one for each, none twice; then all others, each as close to a centre as is left.
/// @param rows  (n, d)
[[nodiscard]] inline std::vector<std::size_t> cluster_order(const eigen_matrix<double>& rows, std::size_t k, std::uint64_t seed) {
  const auto clusters = statistics::k_means(rows, k, seed);
  const auto n = static_cast<std::size_t>(rows.rows());
  std::vector<std::vector<std::size_t>> nearest(k, std::vector<std::size_t>(n));
  for (std::size_t c = 0; c < k; ++c) {
    const Eigen::VectorXd distance = (rows.rowwise() - clusters.centres.row(static_cast<Eigen::Index>(c))).rowwise().squaredNorm();
    for (std::size_t i = 0; i < n; ++i) nearest[c][i] = i;
    std::stable_sort(nearest[c].begin(), nearest[c].end(), [&](std::size_t a, std::size_t b) {
      return distance[static_cast<Eigen::Index>(a)] < distance[static_cast<Eigen::Index>(b)];
    });
  }
  std::vector<bool> taken(n);
  std::vector<std::size_t> order, at(k);
  while (order.size() < n) {
    for (std::size_t c = 0; c < k && order.size() < n; ++c) {
      while (taken[nearest[c][at[c]]]) ++at[c];
      taken[nearest[c][at[c]]] = true;
      order.push_back(nearest[c][at[c]]);
    }
  }
  return order;
}

/// Of each class the examples nearest to the centres of as many clusters as there is room for; drawn alike. Source: Han et al. 2020, "EMAR",
/// section 3.3; ConPET's baselines cluster logits, CRL hidden states: `features` is either.
struct k_means {
  static constexpr std::string_view name = "k-means";
  static constexpr bool needs_budget = true;
  static constexpr bool needs_features = true;
  std::size_t per_class = 0;  ///< clusters; 0: as many as the budget gives a class

  /// @throws config_error  a class with fewer examples than `per_class`, a budget with fewer places than these
  [[nodiscard]] std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, std::uint64_t seed) const {
    index_groups groups = by_label(all);
    if (per_class > 0 && per_class * groups.size() > n_place)
      fail<config_error>("k_means: budget", concat("room for ", per_class, " examples of each of ", groups.size(), " classes"), n_place);
    const std::size_t share = std::max<std::size_t>(1, n_place / std::max<std::size_t>(1, groups.size()));
    for (auto& members : groups) {
      const std::size_t label = all[members.front()].label;
      if (per_class > members.size())
        fail<config_error>(concat("k_means: class ", label), concat("at least ", per_class, " examples, one for each cluster"), members.size());
      const std::size_t k = std::min(per_class > 0 ? per_class : share, members.size());
      const auto order = cluster_order(features_of(all, members, false), k, seed + label);
      std::vector<std::size_t> sorted;
      for (std::size_t i = 0; i < (per_class > 0 ? per_class : order.size()); ++i) sorted.push_back(members[order[i]]);
      members = std::move(sorted);
    }
    return in_turn(groups);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

static_assert(replay_strategy<k_means>);

}  // namespace quipu::replay

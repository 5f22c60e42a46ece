/// @file Keeps the examples whose mean stays closest to that of their class.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/core/eigen.hpp>
#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::replay {

/// The order in which herding picks rows: each next one brings the mean of those picked closest to the mean of all.
/// Source: Rebuffi et al. 2017, "iCaRL", algorithm 4.
/// @param rows  (n, d)
/// @param most  how many are wanted
[[nodiscard]] inline std::vector<std::size_t> herding_order(const eigen_matrix<double>& rows, std::size_t most) {
  using vector = Eigen::Matrix<double, 1, Eigen::Dynamic>;
  const Eigen::Index n = rows.rows();
  const vector mean = rows.colwise().mean();
  vector sum = vector::Zero(rows.cols());
  std::vector<std::size_t> order;
  std::vector<bool> taken(static_cast<std::size_t>(n));
  for (Eigen::Index k = 1; k <= n && order.size() < most; ++k) {
    double least = std::numeric_limits<double>::infinity();
    Eigen::Index best = -1;
    for (Eigen::Index i = 0; i < n; ++i) {
      if (taken[static_cast<std::size_t>(i)]) continue;
      const double distance = (mean - (sum + rows.row(i)) / static_cast<double>(k)).squaredNorm();
      if (best < 0 || distance < least) {
        least = distance;
        best = i;
      }
    }
    taken[static_cast<std::size_t>(best)] = true;
    sum += rows.row(best);
    order.push_back(static_cast<std::size_t>(best));
  }
  return order;
}

/// Features of some candidates.  (members.size(), d)
/// @param normalise  each to length 1
[[nodiscard]] inline eigen_matrix<double> features_of(std::span<const candidate> all, const std::vector<std::size_t>& members, bool normalise) {
  const auto d = static_cast<Eigen::Index>(all[members.front()].features.size());
  eigen_matrix<double> rows(static_cast<Eigen::Index>(members.size()), d);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto f = all[members[i]].features;
    auto row = rows.row(static_cast<Eigen::Index>(i));
    for (Eigen::Index k = 0; k < d; ++k) row[k] = static_cast<double>(f[static_cast<std::size_t>(k)]);
    if (const double length = row.norm(); normalise && length > 0) row /= length;
  }
  return rows;
}

/// Of each class as many as there is room for, in the order of herding over their features; drawn alike. When room shrinks, the last
/// picked go first.
struct herding {
  static constexpr std::string_view name = "herding";
  static constexpr bool needs_budget = true;
  static constexpr bool needs_features = true;
  bool normalise = true;  ///< features to length 1, as the paper does

  [[nodiscard]] std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, std::uint64_t) const {
    index_groups groups = by_label(all);
    for (auto& members : groups) {
      const auto order = herding_order(features_of(all, members, normalise), n_place);
      std::vector<std::size_t> sorted;
      for (const std::size_t i : order) sorted.push_back(members[i]);
      members = std::move(sorted);
    }
    return in_turn(groups);
  }
  [[nodiscard]] static group_sampler sampler(std::span<const candidate> kept) { return uniform_sampler(kept); }
};

static_assert(replay_strategy<herding>);

}  // namespace quipu::replay

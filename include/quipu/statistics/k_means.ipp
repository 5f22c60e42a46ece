// What k_means.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/statistics/k_means.hpp>

namespace quipu::statistics {

namespace detail {

using double_rows = eigen_matrix<double>;

// The nearest centre of each row, and the squared distance to it.
QUIPU_INLINE double assign(const double_rows& rows, const double_rows& centres, std::vector<std::size_t>& cluster,
                           std::vector<double>& distance) {
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    Eigen::Index best = 0;
    distance[static_cast<std::size_t>(i)] = (centres.rowwise() - rows.row(i)).rowwise().squaredNorm().minCoeff(&best);
    cluster[static_cast<std::size_t>(i)] = static_cast<std::size_t>(best);
  }
  return std::accumulate(distance.begin(), distance.end(), 0.0);
}

// k rows, each drawn with a chance proportional to its squared distance to the nearest before it.
QUIPU_INLINE double_rows seeds_of(const double_rows& rows, std::size_t k, random_stream& random) {
  const auto n = static_cast<std::size_t>(rows.rows());
  double_rows centres(static_cast<Eigen::Index>(k), rows.cols());
  std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
  std::size_t next = random.below(static_cast<std::uint32_t>(n));
  for (std::size_t c = 0; c < k; ++c) {
    centres.row(static_cast<Eigen::Index>(c)) = rows.row(static_cast<Eigen::Index>(next));
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      nearest[i] = std::min(nearest[i], (rows.row(static_cast<Eigen::Index>(i)) - centres.row(static_cast<Eigen::Index>(c))).squaredNorm());
      total += nearest[i];
    }
    double left = random.uniform_double() * total;
    next = n - 1;
    for (std::size_t i = 0; i < n; ++i) {
      left -= nearest[i];
      if (left < 0) {
        next = i;
        break;
      }
    }
  }
  return centres;
}

// Means of the clusters; one without rows takes the row that is worst off.
QUIPU_INLINE void move_centres(const double_rows& rows, std::vector<std::size_t>& cluster, std::vector<double>& distance, double_rows& centres) {
  const auto k = static_cast<std::size_t>(centres.rows());
  std::vector<std::size_t> n_row(k);
  for (const std::size_t c : cluster) ++n_row[c];
  for (std::size_t c = 0; c < k; ++c) {
    if (n_row[c] > 0) continue;
    std::size_t farthest = cluster.size();
    for (std::size_t i = 0; i < cluster.size(); ++i) {
      if (n_row[cluster[i]] > 1 && (farthest == cluster.size() || distance[i] > distance[farthest])) farthest = i;
    }
    --n_row[cluster[farthest]];
    cluster[farthest] = c;
    distance[farthest] = 0;
    n_row[c] = 1;
  }
  centres.setZero();
  for (std::size_t i = 0; i < cluster.size(); ++i)
    centres.row(static_cast<Eigen::Index>(cluster[i])) += rows.row(static_cast<Eigen::Index>(i));
  for (std::size_t c = 0; c < k; ++c) centres.row(static_cast<Eigen::Index>(c)) /= static_cast<double>(n_row[c]);
}

}  // namespace detail

QUIPU_INLINE k_means_clusters k_means(const eigen_matrix<double>& rows, std::size_t k, std::uint64_t seed, const k_means_options& options) {
  const auto n = static_cast<std::size_t>(rows.rows());
  if (k == 0 || k > n) fail<config_error>("k_means: clusters", concat("1 .. ", n, ", the number of rows"), k);
  if (options.n_start == 0) fail<config_error>("k_means: starts", "at least 1", 0);
  if (!rows.allFinite()) fail<config_error>("k_means: rows", "finite values", "one that is not");
  k_means_clusters best;
  best.inertia = std::numeric_limits<double>::infinity();
  for (std::size_t start = 0; start < options.n_start; ++start) {
    random_stream random(seed, start);
    k_means_clusters now{detail::seeds_of(rows, k, random), std::vector<std::size_t>(n), 0};
    std::vector<double> distance(n);
    now.inertia = detail::assign(rows, now.centres, now.cluster, distance);
    for (std::size_t i = 0; i < options.most_iterations; ++i) {
      const auto before = now.cluster;
      detail::move_centres(rows, now.cluster, distance, now.centres);
      now.inertia = detail::assign(rows, now.centres, now.cluster, distance);
      if (now.cluster == before) break;
    }
    if (now.inertia < best.inertia) best = std::move(now);
  }
  return best;
}

}  // namespace quipu::statistics

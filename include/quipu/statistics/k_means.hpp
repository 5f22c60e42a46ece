/// @file Clusters of rows around their means.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/eigen.hpp>

namespace quipu::statistics {

struct k_means_options {
  std::size_t n_start = 10;          ///< runs from other seeds; the one with the least inertia counts
  std::size_t most_iterations = 300;
};

struct k_means_clusters {
  eigen_matrix<double> centres;      ///< (k, d)
  std::vector<std::size_t> cluster;  ///< (n) of each row
  double inertia = 0;                ///< sum of squared distances to the centres
};

/// Lloyd's algorithm from seeds drawn by squared distance; a cluster that loses its last row takes the row that is farthest from its centre.
/// The same bits for the same seed, whoever runs it.
/// Source: Arthur, Vassilvitskii 2007, "k-means++: the advantages of careful seeding".
/// @param rows  (n, d)
/// @throws config_error  k is 0 or above n; a value that is not finite; no start
[[nodiscard]] k_means_clusters k_means(const eigen_matrix<double>& rows, std::size_t k, std::uint64_t seed, const k_means_options& options = {});

}  // namespace quipu::statistics

#if !defined(QUIPU_COMPILED)
#include <quipu/statistics/k_means.ipp>
#endif

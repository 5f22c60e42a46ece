// k-means against the best of all partitions.
#include <quipu/statistics/k_means.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

namespace quipu_k_means_test {

namespace statistics = quipu::statistics;
using rows_type = quipu::eigen_matrix<double>;

rows_type random_rows(Eigen::Index n, Eigen::Index d, std::uint64_t seed) {
  quipu::random_stream random(seed);
  rows_type rows(n, d);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index k = 0; k < d; ++k) rows(i, k) = random.normal();
  }
  return rows;
}

// The least inertia of any partition of the rows into k non-empty clusters.
double least_inertia(const rows_type& rows, std::size_t k) {
  const auto n = static_cast<std::size_t>(rows.rows());
  double least = std::numeric_limits<double>::infinity();
  std::size_t n_partition = 1;
  for (std::size_t i = 0; i < n; ++i) n_partition *= k;
  for (std::size_t code = 0; code < n_partition; ++code) {
    rows_type centres = rows_type::Zero(static_cast<Eigen::Index>(k), rows.cols());
    std::vector<double> count(k);
    std::size_t c = code;
    for (std::size_t i = 0; i < n; ++i, c /= k) {
      centres.row(static_cast<Eigen::Index>(c % k)) += rows.row(static_cast<Eigen::Index>(i));
      count[c % k] += 1;
    }
    double inertia = 0;
    for (std::size_t j = 0; j < k; ++j) {
      if (count[j] == 0) inertia = std::numeric_limits<double>::infinity();
      centres.row(static_cast<Eigen::Index>(j)) /= count[j];
    }
    c = code;
    for (std::size_t i = 0; i < n && inertia < least; ++i, c /= k)
      inertia += (rows.row(static_cast<Eigen::Index>(i)) - centres.row(static_cast<Eigen::Index>(c % k))).squaredNorm();
    least = std::min(least, inertia);
  }
  return least;
}

TEST_CASE("k-means finds the best partition of few rows", "[statistics][k_means]") {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const auto rows = random_rows(9, 2, seed);
    for (const std::size_t k : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
      const auto found = statistics::k_means(rows, k, seed, {.n_start = 50});
      CHECK(found.inertia == Approx(least_inertia(rows, k)).epsilon(1e-9));
      double sum = 0;
      for (Eigen::Index i = 0; i < rows.rows(); ++i)
        sum += (rows.row(i) - found.centres.row(static_cast<Eigen::Index>(found.cluster[static_cast<std::size_t>(i)]))).squaredNorm();
      CHECK(sum == Approx(found.inertia));
    }
  }
}

TEST_CASE("k-means: as many clusters as rows, equal rows, the same seed, bad input", "[statistics][k_means]") {
  const auto rows = random_rows(6, 3, 8);
  CHECK(statistics::k_means(rows, 6, 1).inertia == Approx(0).margin(1e-20));
  const rows_type equal = rows_type::Ones(5, 2);
  const auto of_equal = statistics::k_means(equal, 3, 1);
  CHECK(of_equal.centres.allFinite());
  CHECK(of_equal.inertia == 0);
  const auto a = statistics::k_means(rows, 2, 5), b = statistics::k_means(rows, 2, 5);
  CHECK((a.cluster == b.cluster && a.centres == b.centres));
  CHECK_THROWS_AS(statistics::k_means(rows, 7, 1), quipu::config_error);
  CHECK_THROWS_AS(statistics::k_means(rows, 0, 1), quipu::config_error);
  CHECK_THROWS_AS(statistics::k_means(rows, 2, 1, {.n_start = 0}), quipu::config_error);
  rows_type broken = rows;
  broken(1, 1) = std::nan("");
  CHECK_THROWS_AS(statistics::k_means(broken, 2, 1), quipu::config_error);
}

}  // namespace quipu_k_means_test

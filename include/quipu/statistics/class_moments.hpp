/// @file Sums over labelled vectors from which classifiers are made in closed form, in any order of the classes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::statistics {

/// A linear classifier: scores = W x + b.
struct linear_scores {
  std::size_t n_feature = 0;
  std::vector<double> weights;  ///< (n_class, n_feature)
  std::vector<double> bias;     ///< (n_class)

  [[nodiscard]] std::size_t n_class() const noexcept { return bias.size(); }
  /// @param x    (n_feature)
  /// @param out  (n_class)
  /// @throws shape_error
  void score(std::span<const float> x, std::span<double> out) const;
};

struct discriminant_options {
  double ridge = 0.03;   ///< share of the covariance's mean diagonal that is added to its diagonal; at least 0
  bool priors = false;   ///< classes count by how often they were seen, not all alike
};

/// Number, sum and common scatter of the vectors of each class, in double. Everything is a sum, so that classes and tasks may come in any
/// order and the same classifier comes out, up to rounding.
class class_moments {
 public:
  explicit class_moments(std::size_t n_feature);

  [[nodiscard]] std::size_t n_feature() const noexcept { return n_feature_; }
  [[nodiscard]] std::size_t n_class() const noexcept { return counts_.size(); }
  [[nodiscard]] std::size_t count(std::size_t c) const { return counts_.at(c); }

  /// Makes room for classes up to n - 1.
  void grow(std::size_t n_class);
  /// @param x       (n, n_feature) finite
  /// @param labels  (n) below `n_class()`
  /// @throws shape_error, numeric_error
  void add(matrix_view<const float> x, std::span<const std::size_t> labels);
  /// Adds what another one has seen, class by class. @throws shape_error  other sizes
  void add(const class_moments& other);
  /// Takes a class away; those after it move up. What its vectors were spread by stays in the common covariance, which says what vectors of
  /// any class are like.
  void remove(std::size_t c);

  /// Nearest class mean, as scores -|x - mean|^2 / 2 + |x|^2 / 2 = mean x - |mean|^2 / 2.
  /// @throws config_error  a class without vectors
  [[nodiscard]] linear_scores nearest_means() const;
  /// Linear discriminant analysis with the pooled covariance S within classes: weights S^-1 mean, bias -mean S^-1 mean / 2.
  /// Source: Hastie, Tibshirani and Friedman 2009, section 4.3; as a stream: Hayes and Kanan 2020.
  /// @throws config_error   a class without vectors, a ridge below 0
  /// @throws numeric_error  a covariance that cannot be inverted
  [[nodiscard]] linear_scores discriminant(const discriminant_options& options = {}) const;

  /// The state, for files: counts (n_class), sums (n_class, n_feature), squares (n_feature, n_feature) with their lower half, and how many
  /// vectors the squares have seen. What is restored goes on with the same bits.
  [[nodiscard]] std::span<const std::size_t> counts() const noexcept { return counts_; }
  [[nodiscard]] std::span<const double> sums() const noexcept { return sums_; }
  [[nodiscard]] std::span<const double> squares() const noexcept { return squares_; }
  [[nodiscard]] std::size_t n_spread() const noexcept { return n_spread_; }
  /// @throws shape_error
  void restore(std::vector<std::size_t> counts, std::vector<double> sums, std::vector<double> squares, std::size_t n_spread);

 private:
  [[nodiscard]] std::vector<double> means() const;
  [[nodiscard]] std::vector<double> scatter() const;  // (n_feature, n_feature) within classes

  std::size_t n_feature_;
  std::vector<std::size_t> counts_;
  std::vector<double> sums_;     // (n_class, n_feature)
  std::vector<double> squares_;  // (n_feature, n_feature) sum of x x^T, lower half, less n mean mean^T of removed classes
  std::size_t n_spread_ = 0;
};

/// Random Fourier features of the Gaussian kernel exp(-|x - y|^2 / (2 width^2)): sqrt(2 / n) cos(W x + b), W normal with deviation
/// 1 / width, b uniform. Source: Rahimi and Recht 2007, algorithm 1.
class fourier_features {
 public:
  /// @throws config_error  no features, a width that is not above 0
  fourier_features(std::size_t n_in, std::size_t n_out, double width, std::uint64_t seed);

  [[nodiscard]] std::size_t n_in() const noexcept { return n_in_; }
  [[nodiscard]] std::size_t n_out() const noexcept { return shift_.size(); }
  /// @param x  (n, n_in)
  /// @return (n, n_out) row by row
  /// @throws shape_error
  [[nodiscard]] std::vector<float> operator()(matrix_view<const float> x) const;

 private:
  std::size_t n_in_;
  std::vector<float> direction_;  // (n_out, n_in)
  std::vector<float> shift_;      // (n_out)
};

}  // namespace quipu::statistics

#if !defined(QUIPU_COMPILED)
#include <quipu/statistics/class_moments.ipp>
#endif

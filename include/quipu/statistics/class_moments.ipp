// What class_moments.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/eigen_cholesky.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/statistics/class_moments.hpp>

namespace quipu::statistics {

namespace detail {

inline auto eigen_rows(const std::vector<double>& values, std::size_t rows, std::size_t cols) {
  return Eigen::Map<const eigen_matrix<double>>(values.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols));
}
inline auto eigen_rows(std::vector<double>& values, std::size_t rows, std::size_t cols) {
  return Eigen::Map<eigen_matrix<double>>(values.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols));
}

}  // namespace detail

QUIPU_INLINE void linear_scores::score(std::span<const float> x, std::span<double> out) const {
  if (x.size() != n_feature) fail<shape_error>("linear_scores: features", n_feature, x.size());
  if (out.size() != bias.size()) fail<shape_error>("linear_scores: classes", bias.size(), out.size());
  for (std::size_t c = 0; c < out.size(); ++c) {
    const double* w = weights.data() + c * n_feature;
    double sum = bias[c];
    for (std::size_t i = 0; i < n_feature; ++i) sum += w[i] * static_cast<double>(x[i]);
    out[c] = sum;
  }
}

QUIPU_INLINE class_moments::class_moments(std::size_t n_feature) : n_feature_(n_feature), squares_(n_feature * n_feature, 0) {
  if (n_feature == 0) fail<config_error>("class_moments: features", "at least 1", 0);
}

QUIPU_INLINE void class_moments::grow(std::size_t n_class) {
  if (n_class <= counts_.size()) return;
  counts_.resize(n_class, 0);
  sums_.resize(n_class * n_feature_, 0);
}

QUIPU_INLINE void class_moments::add(matrix_view<const float> x, std::span<const std::size_t> labels) {
  if (x.cols() != n_feature_) fail<shape_error>("class_moments: features", n_feature_, x.cols());
  if (labels.size() != x.rows()) fail<shape_error>("class_moments: labels", x.rows(), labels.size());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    if (labels[i] >= counts_.size()) fail<shape_error>("class_moments: label", concat("below ", counts_.size()), labels[i]);
    if (!std::all_of(x.row(i), x.row(i) + n_feature_, [](float v) { return std::isfinite(v); }))
      fail<numeric_error>("class_moments: features", "finite numbers", "one that is not");
  }
  constexpr std::size_t portion = 256;
  auto squares = detail::eigen_rows(squares_, n_feature_, n_feature_);
  eigen_matrix<double> rows;  // (portion, n_feature)
  for (std::size_t first = 0; first < x.rows(); first += portion) {
    const std::size_t n = std::min(portion, x.rows() - first);
    rows = as_eigen(x.middle_rows(first, n)).cast<double>();
    squares.selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t c = labels[first + i];
      ++counts_[c];
      for (std::size_t f = 0; f < n_feature_; ++f) sums_[c * n_feature_ + f] += rows(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(f));
    }
  }
  n_spread_ += x.rows();
}

QUIPU_INLINE void class_moments::add(const class_moments& other) {
  if (other.n_feature_ != n_feature_) fail<shape_error>("class_moments: features", n_feature_, other.n_feature_);
  grow(other.n_class());
  for (std::size_t c = 0; c < other.n_class(); ++c) counts_[c] += other.counts_[c];
  for (std::size_t i = 0; i < other.sums_.size(); ++i) sums_[i] += other.sums_[i];
  for (std::size_t i = 0; i < squares_.size(); ++i) squares_[i] += other.squares_[i];
  n_spread_ += other.n_spread_;
}

QUIPU_INLINE void class_moments::remove(std::size_t c) {
  if (c >= counts_.size()) fail<shape_error>("class_moments: class", concat("below ", counts_.size()), c);
  if (counts_[c] > 0) {
    const Eigen::Map<const Eigen::VectorXd> sum(sums_.data() + c * n_feature_, static_cast<Eigen::Index>(n_feature_));
    detail::eigen_rows(squares_, n_feature_, n_feature_).selfadjointView<Eigen::Lower>().rankUpdate(sum, -1.0 / static_cast<double>(counts_[c]));
  }
  counts_.erase(counts_.begin() + static_cast<std::ptrdiff_t>(c));
  const auto first = sums_.begin() + static_cast<std::ptrdiff_t>(c * n_feature_);
  sums_.erase(first, first + static_cast<std::ptrdiff_t>(n_feature_));
}

QUIPU_INLINE std::vector<double> class_moments::means() const {
  if (counts_.empty()) fail<config_error>("class_moments: classes", "at least one", "none");
  std::vector<double> m = sums_;
  for (std::size_t c = 0; c < counts_.size(); ++c) {
    if (counts_[c] == 0) fail<config_error>("class_moments: vectors", concat("some of class ", c), "none");
    for (std::size_t f = 0; f < n_feature_; ++f) m[c * n_feature_ + f] /= static_cast<double>(counts_[c]);
  }
  return m;
}

QUIPU_INLINE linear_scores class_moments::nearest_means() const {
  linear_scores s{n_feature_, means(), std::vector<double>(n_class())};
  const auto w = detail::eigen_rows(std::as_const(s.weights), n_class(), n_feature_);
  for (std::size_t c = 0; c < n_class(); ++c) s.bias[c] = -0.5 * w.row(static_cast<Eigen::Index>(c)).squaredNorm();
  return s;
}

QUIPU_INLINE std::vector<double> class_moments::scatter() const {
  std::vector<double> within = squares_;
  auto s = detail::eigen_rows(within, n_feature_, n_feature_);
  for (std::size_t c = 0; c < n_class(); ++c) {
    if (counts_[c] == 0) continue;
    const Eigen::Map<const Eigen::VectorXd> sum(sums_.data() + c * n_feature_, static_cast<Eigen::Index>(n_feature_));
    s.selfadjointView<Eigen::Lower>().rankUpdate(sum, -1.0 / static_cast<double>(counts_[c]));
  }
  s.triangularView<Eigen::StrictlyUpper>() = s.transpose();
  return within;
}

QUIPU_INLINE void class_moments::restore(std::vector<std::size_t> counts, std::vector<double> sums, std::vector<double> squares,
                                         std::size_t n_spread) {
  if (sums.size() != counts.size() * n_feature_) fail<shape_error>("class_moments: sums", counts.size() * n_feature_, sums.size());
  if (squares.size() != n_feature_ * n_feature_) fail<shape_error>("class_moments: squares", n_feature_ * n_feature_, squares.size());
  counts_ = std::move(counts);
  sums_ = std::move(sums);
  squares_ = std::move(squares);
  n_spread_ = n_spread;
}

QUIPU_INLINE linear_scores class_moments::discriminant(const discriminant_options& options) const {
  if (!(options.ridge >= 0)) fail<config_error>("discriminant: ridge", "at least 0", options.ridge);
  linear_scores s{n_feature_, means(), std::vector<double>(n_class())};
  std::vector<double> within = scatter();
  auto covariance = detail::eigen_rows(within, n_feature_, n_feature_);
  covariance /= static_cast<double>(n_spread_);
  const double added = options.ridge * covariance.diagonal().mean();
  covariance.diagonal().array() += added;
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor = [&] {
    // The matrix is symmetric, so that its rows may be taken for columns; it is factorised where it lies.
    Eigen::Map<Eigen::MatrixXd> columns(within.data(), covariance.rows(), covariance.cols());
    Eigen::Ref<Eigen::MatrixXd> in_place(columns);
    return Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>>(in_place);
  }();
  if (factor.info() != Eigen::Success)
    fail<numeric_error>("discriminant", "a covariance that can be inverted", "one that cannot; a larger ridge helps");
  auto w = detail::eigen_rows(s.weights, n_class(), n_feature_);
  const Eigen::MatrixXd mean = w.transpose();  // (n_feature, n_class)
  const Eigen::MatrixXd solved = factor.solve(mean);
  double n = 0;
  for (const std::size_t count : counts_) n += static_cast<double>(count);
  for (std::size_t c = 0; c < n_class(); ++c) {
    const auto i = static_cast<Eigen::Index>(c);
    s.bias[c] = -0.5 * mean.col(i).dot(solved.col(i)) + (options.priors ? std::log(static_cast<double>(counts_[c]) / n) : 0.0);
  }
  w = solved.transpose();
  return s;
}

QUIPU_INLINE fourier_features::fourier_features(std::size_t n_in, std::size_t n_out, double width, std::uint64_t seed)
    : n_in_(n_in), direction_(n_in * n_out), shift_(n_out) {
  if (n_in == 0 || n_out == 0) fail<config_error>("fourier_features: features", "at least 1", 0);
  if (!(width > 0)) fail<config_error>("fourier_features: width", "above 0", width);
  random_stream directions(seed, 1), shifts(seed, 2);
  for (float& d : direction_) d = static_cast<float>(directions.normal() / width);
  for (float& s : shift_) s = static_cast<float>(2 * std::numbers::pi * shifts.uniform_double());
}

QUIPU_INLINE std::vector<float> fourier_features::operator()(matrix_view<const float> x) const {
  if (x.cols() != n_in_) fail<shape_error>("fourier_features: features", n_in_, x.cols());
  std::vector<float> out(x.rows() * n_out());
  const matrix_view<float> to(out.data(), x.rows(), n_out());
  as_eigen(to).noalias() = as_eigen(x) * as_eigen(matrix_view<const float>(direction_.data(), n_out(), n_in_)).transpose();
  const float scale = std::sqrt(2.0f / static_cast<float>(n_out()));
  for (std::size_t i = 0; i < to.rows(); ++i) {
    for (std::size_t j = 0; j < to.cols(); ++j) to(i, j) = scale * std::cos(to(i, j) + shift_[j]);
  }
  return out;
}

}  // namespace quipu::statistics

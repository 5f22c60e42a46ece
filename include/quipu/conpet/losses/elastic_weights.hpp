/// @file Elastic weight consolidation: a quadratic penalty on leaving what earlier tasks need.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/error.hpp>

namespace quipu::conpet {

/// The diagonal of a Fisher information over all trained values, from batches: for each class c the square of the gradient of the batch's mean
/// cross-entropy with that class as everybody's label, weighted by the batch's mean probability of c.
/// Source: Kirkpatrick et al. 2017, with the square of means of the authors' code (ConPET) in place of a mean of squares.
class fisher_diagonal {
 public:
  explicit fisher_diagonal(std::size_t n_value) : sum_(n_value) {}

  /// One class of a batch.
  /// @param probability  mean of softmax(z)_c over the batch
  /// @param gradient     (n_value) of the mean cross-entropy with label c
  template <class Scalar>
  void add(double probability, std::span<const Scalar> gradient) {
    check_shape("fisher_diagonal: gradient", gradient.size(), sum_.size());
    for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += probability * static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
  }
  /// After the classes of a batch.
  void end_batch() noexcept { ++n_batch_; }
  /// @throws config_error  no batch
  [[nodiscard]] std::vector<double> mean() const {
    if (n_batch_ == 0) fail<config_error>("fisher_diagonal", "a batch", "none");
    std::vector<double> all = sum_;
    for (double& v : all) v /= static_cast<double>(n_batch_);
    return all;
  }

 private:
  std::vector<double> sum_;
  std::size_t n_batch_ = 0;
};

/// Where trained values were after a task, and how much each matters.
struct weight_anchor {
  std::vector<double> values;  ///< (n_value)
  std::vector<double> fisher;  ///< (n_value) not negative
};

/// strength / 2 * sum over anchors and values of fisher (theta - value)^2. One anchor a task, or one for all (see `merge_online`).
/// Source: Kirkpatrick et al. 2017, eq. (3).
/// @param theta     (n_value)
/// @param gradient  (n_value) of theta, added to
/// @throws config_error  anchors of another size
template <class Scalar>
double elastic_penalty(std::span<const Scalar> theta, std::span<const weight_anchor> anchors, double strength, std::span<Scalar> gradient) {
  check_shape("elastic_penalty: gradient", gradient.size(), theta.size());
  double sum = 0;
  for (const weight_anchor& a : anchors) {
    check_shape("elastic_penalty: values of an anchor", a.values.size(), theta.size());
    check_shape("elastic_penalty: fisher of an anchor", a.fisher.size(), theta.size());
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const double off = static_cast<double>(theta[i]) - a.values[i];
      sum += a.fisher[i] * off * off;
      gradient[i] += static_cast<Scalar>(strength * a.fisher[i] * off);
    }
  }
  return strength / 2 * sum;
}

/// One anchor for all tasks: values of now, fisher = decay * old + new. Source: Schwarz et al. 2018, "Progress and compress", eq. (9).
[[nodiscard]] inline weight_anchor merge_online(const weight_anchor& old, weight_anchor now, double decay) {
  if (!(decay >= 0 && decay <= 1)) fail<config_error>("merge_online: decay", "0 .. 1", decay);
  if (old.fisher.empty()) return now;
  check_shape("merge_online: fisher", now.fisher.size(), old.fisher.size());
  for (std::size_t i = 0; i < now.fisher.size(); ++i) now.fisher[i] += decay * old.fisher[i];
  return now;
}

}  // namespace quipu::conpet

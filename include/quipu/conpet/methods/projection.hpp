/// @file The projection of contrastive learning: two layers and a length of 1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::conpet {

/// x = u / |u|, u = W2 relu(W1 h + b1) + b2. Starts as PyTorch's layers do. Copies are independent.
/// Source: Zhao et al. 2022, "CRL", section 3.3.
class contrastive_projection {
 public:
  contrastive_projection() = default;
  contrastive_projection(std::size_t d, std::size_t n_out, std::uint64_t seed) : d_(d), n_out_(n_out), values_(n_value()), gradients_(n_value()) {
    if (d == 0 || n_out == 0) fail<config_error>("contrastive_projection: sizes", "at least 1", 0);
    random_stream random(seed, 1);
    const double bound = 1 / std::sqrt(static_cast<double>(d));
    for (float& v : values_) v = static_cast<float>(bound * (2 * random.uniform_double() - 1));
  }

  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  [[nodiscard]] std::size_t n_in() const noexcept { return d_; }
  [[nodiscard]] std::size_t n_out() const noexcept { return n_out_; }
  /// (d, d), (d), (n_out, d), (n_out) one after the other
  [[nodiscard]] const std::vector<float>& values() const noexcept { return values_; }
  /// @throws config_error  another number of them
  void set_values(std::vector<float> values) {
    if (values.size() != n_value()) fail<config_error>("contrastive_projection: values", n_value(), values.size());
    values_ = std::move(values);
  }
  /// In this object's memory.
  [[nodiscard]] std::vector<optim::parameter<float>> parameters() {
    const auto at = [this](const char* name, std::vector<std::size_t> shape, std::size_t first) {
      return optim::parameter<float>{name, std::move(shape), values_.data() + first, gradients_.data() + first};
    };
    return {at("projection.0.weight", {d_, d_}, 0), at("projection.0.bias", {d_}, d_ * d_), at("projection.2.weight", {n_out_, d_}, d_ * d_ + d_),
            at("projection.2.bias", {n_out_}, d_ * d_ + d_ + n_out_ * d_)};
  }

  /// What a pass leaves for the pass backward.
  struct tape {
    double_rows h, hidden, u, x;
  };
  /// @param h  (n, d)
  /// @return x (n, n_out) of length 1, among the rest
  [[nodiscard]] tape run(matrix_view<const float> h) const {
    tape t{in_double<float>(h), {}, {}, {}};
    t.hidden = ((t.h * weight(0, d_).transpose()).rowwise() + bias(d_ * d_, d_)).cwiseMax(0.0);
    t.u = (t.hidden * weight(d_ * d_ + d_, n_out_).transpose()).rowwise() + bias(d_ * d_ + d_ + n_out_ * d_, n_out_);
    t.x = t.u.array().colwise() / length(t.u);
    return t;
  }
  /// Adds to the parameters' gradients and to dh. @param dx  (n, n_out)
  void backward(const tape& t, const double_rows& dx, matrix_view<float> dh) {
    // x = u / |u|: du = (dx - x (x . dx)) / |u|
    const Eigen::ArrayXd along = (t.x.array() * dx.array()).rowwise().sum();
    const double_rows du = (dx.array() - t.x.array().colwise() * along).colwise() / length(t.u);
    add(d_ * d_ + d_, du.transpose() * t.hidden);
    add(d_ * d_ + d_ + n_out_ * d_, du.colwise().sum());
    const double_rows d_hidden = (du * weight(d_ * d_ + d_, n_out_)).array() * (t.hidden.array() > 0).cast<double>();
    add(0, d_hidden.transpose() * t.h);
    add(d_ * d_, d_hidden.colwise().sum());
    add_gradient<float>(d_hidden * weight(0, d_), 1, dh);
  }

 private:
  [[nodiscard]] std::size_t n_value() const noexcept { return d_ * d_ + d_ + n_out_ * d_ + n_out_; }
  [[nodiscard]] double_rows weight(std::size_t first, std::size_t n_row) const { return in_double<float>({values_.data() + first, n_row, d_}); }
  [[nodiscard]] Eigen::RowVectorXd bias(std::size_t first, std::size_t n) const { return in_double<float>({values_.data() + first, 1, n}); }
  // A row of zeros has no direction; it is left where it is.
  [[nodiscard]] static Eigen::ArrayXd length(const double_rows& u) { return u.rowwise().norm().array().max(1e-12); }
  void add(std::size_t first, const double_rows& d) {
    for (Eigen::Index i = 0; i < d.size(); ++i) gradients_[first + static_cast<std::size_t>(i)] += static_cast<float>(d.data()[i]);
  }

  std::size_t d_ = 0, n_out_ = 0;
  std::vector<float> values_, gradients_;
};

}  // namespace quipu::conpet

/// @file A linear classifier on hidden states, trained beside a module.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::pet {

/// Whether a head has a bias that trains, or none: one of zeros that stays so. transformers' own heads (`score`) have none.
enum class head_bias : std::uint8_t { trained, none };

/// logits = W h + b, W (n_class, d_model). Starts in U(-1/sqrt(d_model), 1/sqrt(d_model)), as PyTorch's layers.
template <class Scalar>
class linear_head {
 public:
  using scalar_type = Scalar;

  /// @param name  of the module in files: its parameters are "base_model.model." + name + ".weight" and ".bias"
  /// @throws config_error  no classes
  linear_head(const std::string& name, std::size_t n_class, std::size_t d_model, std::uint64_t seed, head_bias bias = head_bias::trained)
      : name_(name), bias_(bias) {
    if (n_class == 0 || d_model == 0)
      fail<config_error>(concat("linear_head: sizes of ", name), "at least one class", n_class);
    const std::size_t n = n_class * d_model;
    values_ = buffer<Scalar>(n + n_class);
    gradients_ = buffer<Scalar>(n + n_class);
    parameters_ = {{"base_model.model." + name + ".weight", {n_class, d_model}, values_.data(), gradients_.data()},
                   {"base_model.model." + name + ".bias", {n_class}, values_.data() + n, gradients_.data() + n}};
    random_stream random(seed, 1);
    const double bound = 1.0 / std::sqrt(static_cast<double>(d_model));
    std::generate_n(values_.data(), n + n_class,
                    [&] { return static_cast<Scalar>(bound * (2 * random.uniform_double() - 1)); });
    if (bias == head_bias::none) {
      std::fill_n(parameters_[1].value, n_class, Scalar(0));
      parameters_[1].gradient = nullptr;
    }
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t n_class() const noexcept { return parameters_[0].rows(); }
  [[nodiscard]] std::size_t d_model() const noexcept { return parameters_[0].cols(); }
  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return parameters_; }
  [[nodiscard]] linear::stored_matrix weight() const noexcept {
    return linear::store_plain<Scalar>(values_.data(), n_class(), d_model());
  }
  [[nodiscard]] const Scalar* bias() const noexcept { return parameters_[1].value; }
  [[nodiscard]] head_bias bias_kind() const noexcept { return bias_; }

  /// A head with more classes: those that were there keep their weights, the others start fresh.
  /// @throws config_error  fewer classes than before
  [[nodiscard]] linear_head grown(std::size_t n, std::uint64_t seed) const {
    if (n < n_class()) fail<config_error>(concat("linear_head: classes of ", name_), concat("at least ", n_class()), n);
    linear_head wider(name_, n, d_model(), seed, bias_);
    for (std::size_t i = 0; i < 2; ++i)
      std::copy_n(parameters_[i].value, parameters_[i].size(), wider.parameters_[i].value);
    return wider;
  }

 private:
  std::string name_;
  head_bias bias_ = head_bias::trained;
  buffer<Scalar> values_, gradients_;
  optim::parameter_set<Scalar> parameters_;
};

}  // namespace quipu::pet

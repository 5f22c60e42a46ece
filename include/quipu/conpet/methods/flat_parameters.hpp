/// @file Values and gradients of several tensors, one after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::conpet {

/// (n_value), zeros for parameters that do not train
template <class Scalar>
[[nodiscard]] std::vector<Scalar> flat_gradients(std::span<const optim::parameter<Scalar>> all) {
  std::vector<Scalar> out;
  out.reserve(optim::n_value(all));
  for (const auto& p : all) {
    if (p.gradient == nullptr) {
      out.insert(out.end(), p.size(), Scalar(0));
    } else {
      out.insert(out.end(), p.gradient, p.gradient + p.size());
    }
  }
  return out;
}
/// @param g  (n_value)
/// @throws config_error  another number of values
template <class Scalar>
void set_gradients(std::span<const optim::parameter<Scalar>> all, std::span<const Scalar> g) {
  if (g.size() != optim::n_value(all)) fail<config_error>("set_gradients: values", optim::n_value(all), g.size());
  std::size_t at = 0;
  for (const auto& p : all) {
    if (p.gradient != nullptr) std::copy_n(g.data() + at, p.size(), p.gradient);
    at += p.size();
  }
}

}  // namespace quipu::conpet

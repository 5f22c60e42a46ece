/// @file What the training tests share: batches from golden tensors, comparison of gradients.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/load.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/training_pass.hpp>

#include "support/golden.hpp"

namespace quipu::test {

using silu_ffn = ffn::dense<activation::silu>;
using relu_ffn = ffn::dense<activation::relu>;

/// The exact model of a golden case.
template <class Scalar, class Ffn = silu_ffn>
auto exact_model(const std::string& name) {
  return llama::load<Ffn, activations::f32, kv::exact, scalar::of<Scalar>>(golden_case(name).string());
}

inline std::vector<std::int64_t> labels_of(const golden& g, const std::string& name) {
  return g.values<std::int64_t>(name);
}

/// Row `row` of (rows, cols) ids and labels, or all of a vector.
inline void add_row(llama::training_batch& batch, const golden& g, const std::string& stem, std::size_t row,
                    std::size_t n) {
  const auto ids = g.ids(stem + "ids");
  const auto labels =
      g.has(stem + "labels") ? labels_of(g, stem + "labels") : std::vector<std::int64_t>(ids.begin(), ids.end());
  const std::size_t cols = g.shape(stem + "ids").back();
  batch.add(std::span(ids).subspan(row * cols, n == 0 ? cols : n),
            std::span(labels).subspan(row * cols, n == 0 ? cols : n));
}

template <class Scalar>
double largest_of(std::span<const Scalar> x) {
  double largest = 0;
  for (const Scalar v : x) largest = std::max(largest, std::abs(static_cast<double>(v)));
  return largest;
}
template <class Scalar>
double norm_of(std::span<const Scalar> x) {
  double sum = 0;
  for (const Scalar v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

/// Largest difference to the reference, as a share of its largest entry (double) or of its norm (float).
template <class Scalar>
double gradient_error(std::span<const Scalar> ours, const std::vector<double>& reference) {
  const double scale = sizeof(Scalar) == 8 ? largest_of<double>(reference) : norm_of<double>(reference);
  const double difference = max_abs_difference(ours, reference);
  return scale == 0 ? difference : difference / scale;
}

/// The accuracy that a reference allows: F64 tensors 1e-8, those rounded to F32 1e-6; 1e-3 in float.
template <class Scalar>
double allowed_error(const golden& g, const std::string& name) {
  if (sizeof(Scalar) == 4) return 1e-3;
  return g.tensors().at(name).type == tensor_type::f64 ? 1e-8 : 1e-6;
}

}  // namespace quipu::test

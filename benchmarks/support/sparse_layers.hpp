/// @file FFN layers of random weights whose neurons are active as often as one wishes, and kernels that skip in other ways.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::bench {

/// x with Phi(x) = p, for 0 < p < 1: by bisection, it is called once a neuron.
[[nodiscard]] inline double normal_quantile(double p) {
  double low = -9, high = 9;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

/// Of the weights of `random_matrix`.
inline constexpr double weight_deviation = 0.02;

/// Normal weights (rows, cols) of a type. Rows are drawn from a pool of normal numbers at random places, so that billions of them
/// take seconds.
class random_matrix {
 public:
  random_matrix(tensor_type type, std::size_t rows, std::size_t cols, std::uint64_t seed) : bytes_(rows * row_bytes(type, cols)) {
    constexpr std::size_t pool_size = std::size_t{1} << 20;
    random_stream stream(seed);
    std::vector<float> pool(pool_size + cols);
    for (float& v : pool) v = static_cast<float>(stream.normal() * weight_deviation);
    const std::size_t stride = row_bytes(type, cols);
    // A row of the pool, quantised once for each of some places, and then copied.
    constexpr std::size_t n_place = 512;
    std::vector<std::byte> rounded(n_place * stride);
    for (std::size_t i = 0; i < n_place; ++i)
      io::quantise_row(type, pool.data() + stream.below(static_cast<std::uint32_t>(pool_size)), rounded.data() + i * stride, cols);
    // Blocks of different places make rows that are unlike.
    const std::size_t block = block_of(type).bytes * std::max<std::size_t>(256 / block_of(type).elements, 1);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t at = 0; at < stride; at += block) {
        const std::size_t n = std::min(block, stride - at);
        std::copy_n(rounded.data() + stream.below(static_cast<std::uint32_t>(n_place)) * stride + at, n, bytes_.data() + r * stride + at);
      }
    }
    matrix_ = {type, rows, cols, bytes_.data(), stride, nullptr};
  }
  [[nodiscard]] const linear::stored_matrix& matrix() const noexcept { return matrix_; }

 private:
  buffer<std::byte> bytes_;
  linear::stored_matrix matrix_;
};

/// Thresholds at which neuron i of a gate is active for a share frequency[i] of normal inputs of variance 1. Shares above .49 are
/// taken for that: thresholds are not below 0.
[[nodiscard]] inline std::vector<float> thresholds_of(const linear::stored_matrix& gate, std::span<const double> frequency) {
  std::vector<float> all(gate.rows), row(gate.cols);
  for (std::size_t i = 0; i < gate.rows; ++i) {
    io::dequantise_row(gate.type, gate.row(i), row.data(), gate.cols);
    double norm = 0;
    for (const float w : row) norm += double{w} * double{w};
    const double p = std::clamp(frequency[i % frequency.size()], 1e-4, 0.49);
    all[i] = static_cast<float>(std::sqrt(norm) * normal_quantile(1 - p));
  }
  return all;
}

}  // namespace quipu::bench

/// @file Normal numbers, and weights of any type with what their bytes mean.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::test {

template <class Scalar = float>
std::vector<Scalar> random_values(std::size_t n, std::uint64_t seed) {
  random_stream stream(seed);
  std::vector<Scalar> values(n);
  for (Scalar& v : values) v = static_cast<Scalar>(stream.normal());
  return values;
}

/// @tparam Wide  type of the widened values
template <class Wide = float>
struct random_weights {
  std::vector<std::byte> bytes;
  std::vector<Wide> wide;  ///< (rows, cols) what the bytes mean
  linear::stored_matrix w;

  random_weights(tensor_type type, std::size_t rows, std::size_t cols, std::uint64_t seed = 1) {
    const auto values = random_values(rows * cols, seed);
    const std::size_t stride = row_bytes(type, cols);
    bytes.resize(rows * stride);
    wide.resize(rows * cols);
    for (std::size_t r = 0; r < rows; ++r) {
      io::quantise_row(type, values.data() + r * cols, bytes.data() + r * stride, cols);
      io::dequantise_row(type, bytes.data() + r * stride, wide.data() + r * cols, cols);
    }
    w = {type, rows, cols, bytes.data(), stride};
  }
};

}  // namespace quipu::test

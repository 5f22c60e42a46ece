// What tensor_values.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/dequantise.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/tensor_values.hpp>

namespace quipu::io {

#if defined(QUIPU_COMPILED)
template std::vector<float> values_of<float>(const tensor_view&);
template std::vector<double> values_of<double>(const tensor_view&);
#endif

QUIPU_INLINE std::vector<std::byte> stored_as(const tensor_view& tensor, tensor_type type) {
  if (tensor.type == type) return {tensor.bytes.begin(), tensor.bytes.end()};
  const std::size_t cols = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (cols % block_of(type).elements != 0) {
    fail<config_error>(concat("stored_as: row of ", name_of(type)),
                       concat("a multiple of ", block_of(type).elements), cols);
  }
  const std::size_t rows = cols == 0 ? 0 : tensor.n_element() / cols;
  std::vector<std::byte> bytes(rows * row_bytes(type, cols));
  std::vector<float> row(cols);
  for (std::size_t r = 0; r < rows; ++r) {
    dequantise_row(tensor.type, tensor.bytes.data() + r * row_bytes(tensor.type, cols), row.data(), cols);
    quantise_row(type, row.data(), bytes.data() + r * row_bytes(type, cols), cols);
  }
  return bytes;
}

}  // namespace quipu::io

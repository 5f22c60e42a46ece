// What checked_size.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>

namespace quipu::io {

QUIPU_INLINE std::string show_shape(std::span<const std::size_t> shape) {
  std::string shown = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shown += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return shown + ")";
}

QUIPU_INLINE std::size_t checked_bytes(tensor_type type, std::span<const std::size_t> shape, const std::string& place) {
  const block_shape block = block_of(type);
  if (shape.size() > largest_rank) {
    fail<format_error>(place, concat("at most ", largest_rank, " axes"), shape.size());
  }
  std::size_t elements = 1;
  bool empty = false;
  for (const std::size_t extent : shape) {
    empty = empty || extent == 0;
    // Zeros are left out of the product: (2^63, 2^63, 0) must not pass as small.
    if (extent != 0) elements = checked_product(elements, extent, place);
  }
  const std::size_t row = shape.empty() ? 1 : shape.back();
  if (row % block.elements != 0) {
    fail<format_error>(concat(place, ": row of ", name_of(type)),
                       concat("a multiple of ", block.elements), row);
  }
  const std::size_t bytes = checked_product(elements / block.elements, block.bytes, place);
  return empty ? 0 : bytes;
}

}  // namespace quipu::io

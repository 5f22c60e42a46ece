/// @file Sizes from files multiplied and summed without overflow.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>

namespace quipu::io {

/// No size or count of a model may be above this; products of two still fit `std::size_t`.
inline constexpr std::size_t largest_extent = std::size_t{1} << 31;

/// Axes that a stored tensor may have.
inline constexpr std::size_t largest_rank = 8;

/// @throws format_error  the product does not fit
[[nodiscard]] inline std::size_t checked_product(std::size_t a, std::size_t b,
                                                 const std::string& place) {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) {
    fail<format_error>(place, "a size below 2^64", concat(a, " x ", b));
  }
  return a * b;
}

/// @throws format_error  the sum does not fit
[[nodiscard]] inline std::size_t checked_sum(std::size_t a, std::size_t b, const std::string& place) {
  if (a > std::numeric_limits<std::size_t>::max() - b) {
    fail<format_error>(place, "a size below 2^64", concat(a, " + ", b));
  }
  return a + b;
}

/// A shape for messages: "(320, 64)".
[[nodiscard]] inline std::string show_shape(std::span<const std::size_t> shape) {
  std::string shown = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shown += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return shown + ")";
}

/// Bytes of a tensor of `shape`, rows being whole blocks.
/// @throws format_error  the product does not fit, or the last extent is not a multiple of the block
[[nodiscard]] inline std::size_t checked_bytes(tensor_type type, std::span<const std::size_t> shape,
                                               const std::string& place) {
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

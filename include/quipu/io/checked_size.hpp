/// @file Sizes from files multiplied and summed without overflow.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include <quipu/core/compiled.hpp>
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
[[nodiscard]] std::string show_shape(std::span<const std::size_t> shape);

/// Bytes of a tensor of `shape`, rows being whole blocks.
/// @throws format_error  the product does not fit, or the last extent is not a multiple of the block
[[nodiscard]] std::size_t checked_bytes(tensor_type type, std::span<const std::size_t> shape, const std::string& place);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/checked_size.ipp>
#endif

/// @file The header of NumPy's `.npy` files, checked before anything is read through it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

/// Element types of .npy files that we read; all little-endian.
enum class npy_type : std::uint8_t { f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// An array in somebody else's memory.
struct npy_view {
  npy_type type = npy_type::f32;
  bool fortran_order = false;  ///< the first axis is contiguous, not the last
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;  ///< any alignment
};

[[nodiscard]] constexpr std::size_t bytes_of(npy_type type) noexcept {
  switch (type) {
    case npy_type::i8:
    case npy_type::u8:
    case npy_type::boolean: return 1;
    case npy_type::f16:
    case npy_type::i16:
    case npy_type::u16: return 2;
    case npy_type::f32:
    case npy_type::i32:
    case npy_type::u32: return 4;
    case npy_type::f64:
    case npy_type::i64:
    case npy_type::u64: return 8;
  }
  return 1;
}

/// Reads the header of a .npy file (format 1, 2 or 3) in memory.
///
/// @param file   the whole file; must outlive the result
/// @param place  its name, for messages
/// @throws format_error  no such file, an element type that we do not read, or data that are not exactly
///                       what the shape needs
[[nodiscard]] npy_view parse_npy(std::span<const std::byte> file, const std::string& place);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/npy_header.ipp>
#endif

/// @file Little-endian values at any address, as they lie in mapped files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::io {

static_assert(std::endian::native == std::endian::little,
              "quipu::io: checkpoints are little-endian and are mapped as they are");

/// Reads a value from an address that need not be aligned.
/// @pre `sizeof(Value)` bytes are there
template <class Value>
[[nodiscard]] inline Value load_unaligned(const std::byte* from) noexcept {
  static_assert(std::is_trivially_copyable_v<Value>);
  Value value;
  std::memcpy(&value, from, sizeof(Value));
  return value;
}

/// Writes a value to an address that need not be aligned.
/// @pre `sizeof(Value)` bytes are there
template <class Value>
inline void store_unaligned(std::byte* to, const Value& value) noexcept {
  static_assert(std::is_trivially_copyable_v<Value>);
  std::memcpy(to, &value, sizeof(Value));
}

}  // namespace quipu::io

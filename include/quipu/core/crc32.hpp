/// @file CRC-32 as zlib and PNG compute it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace quipu {

namespace detail {

inline constexpr auto crc32_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1u) != 0 ? 0xedb88320u : 0u);
    table[byte] = value;
  }
  return table;
}();

}  // namespace detail

/// CRC-32 (reflected polynomial 0xEDB88320) of `bytes`, continuing from `before`.
[[nodiscard]] constexpr std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) noexcept {
  std::uint32_t value = ~before;
  for (const char c : bytes) {
    value = value >> 8 ^ detail::crc32_table[(value ^ static_cast<std::uint8_t>(c)) & 0xffu];
  }
  return ~value;
}

static_assert(crc32("123456789") == 0xcbf43926u);  // the check value that the algorithm is published with

}  // namespace quipu

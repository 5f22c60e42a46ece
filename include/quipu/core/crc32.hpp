/// @file CRC-32 as zlib and PNG compute it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

namespace detail {

/// crc32_tables[k][b]: the remainder of byte b with k zero bytes after it.
inline constexpr auto crc32_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1u) != 0 ? 0xedb88320u : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = shorter >> 8 ^ tables[0][shorter & 0xffu];
    }
  }
  return tables;
}();

}  // namespace detail

/// CRC-32 (reflected polynomial 0xEDB88320) of `bytes`, continuing from `before`. Eight bytes a step, whose
/// contributions do not depend on each other (Kounavis and Berry 2005, "slicing-by-8").
[[nodiscard]] constexpr std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) noexcept {
  const auto& tables = detail::crc32_tables;
  const auto byte_at = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(bytes[i])}; };
  std::uint32_t value = ~before;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint32_t low = value ^ (byte_at(i) | byte_at(i + 1) << 8 | byte_at(i + 2) << 16 | byte_at(i + 3) << 24);
    value = tables[7][low & 0xffu] ^ tables[6][low >> 8 & 0xffu] ^ tables[5][low >> 16 & 0xffu] ^ tables[4][low >> 24] ^
            tables[3][byte_at(i + 4)] ^ tables[2][byte_at(i + 5)] ^ tables[1][byte_at(i + 6)] ^
            tables[0][byte_at(i + 7)];
  }
  for (; i < bytes.size(); ++i) value = value >> 8 ^ tables[0][(value ^ byte_at(i)) & 0xffu];
  return ~value;
}

// The check value that the algorithm is published with.
static_assert(crc32("123456789") == 0xcbf43926u && crc32("6789", crc32("12345")) == 0xcbf43926u);

}  // namespace quipu

/// @file Checksums as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Eight hexadecimal digits, lower case.
[[nodiscard]] inline std::string hex_digits(std::uint32_t value) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (int shift = 28; shift >= 0; shift -= 4) out += digits[value >> shift & 15u];
  return out;
}
/// The same of 64 bits: sixteen digits.
template <std::unsigned_integral Word>
  requires(sizeof(Word) == 8)
[[nodiscard]] std::string hex_digits(Word value) {
  return hex_digits(static_cast<std::uint32_t>(value >> 32)) + hex_digits(static_cast<std::uint32_t>(value));
}

}  // namespace quipu

/// @file Checksums as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

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

}  // namespace quipu

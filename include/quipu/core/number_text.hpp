/// @file Numbers as text, the same under every locale.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Appends a whole number in base 10.
template <std::integral Whole>
void append_whole(std::string& out, Whole value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

/// As C's `%.*g` in the "C" locale. @param digits  1 .. 30
[[nodiscard]] inline std::string general_text(double value, int digits = 6) {
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, std::clamp(digits, 1, 30));
  return {text, end.ptr};
}

/// As C's `%.*f` in the "C" locale. @param decimals  0 .. 60
[[nodiscard]] inline std::string fixed_text(double value, int decimals) {
  char text[400];  // 309 digits before the point are possible
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, std::clamp(decimals, 0, 60));
  return {text, end.ptr};
}

/// The shortest text that reads back as the same number.
[[nodiscard]] inline std::string exact_text(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

}  // namespace quipu

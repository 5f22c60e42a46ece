/// @file Reading UTF-8 from text that a user brings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quipu::notes {

/// What `next_code` returns for a byte that starts no valid sequence.
inline constexpr char32_t bad_code = 0xffffffffu;

/// Decodes the character at `at` and moves `at` behind it; one byte where it is not valid UTF-8
/// (overlong forms, surrogates and values above U+10FFFF are not).
/// @pre at < text.size()
[[nodiscard]] inline char32_t next_code(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint32_t lead = byte(at);
  if (lead < 0x80) return ++at, lead;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() - at < length) return ++at, bad_code;
  std::uint32_t code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0u) != 0x80u) return ++at, bad_code;
    code = code << 6 | (byte(at + i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return ++at, bad_code;
  at += length;
  return code;
}

/// Appends one character. @pre code is a Unicode scalar value
inline void append_code(std::string& out, char32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0u | code >> 6), put(0x80u | (code & 0x3fu));
  } else if (code < 0x10000) {
    put(0xe0u | code >> 12), put(0x80u | (code >> 6 & 0x3fu)), put(0x80u | (code & 0x3fu));
  } else {
    put(0xf0u | code >> 18), put(0x80u | (code >> 12 & 0x3fu));
    put(0x80u | (code >> 6 & 0x3fu)), put(0x80u | (code & 0x3fu));
  }
}

/// Position of the first byte that is not UTF-8, or npos.
[[nodiscard]] inline std::size_t find_bad_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (next_code(text, at) == bad_code) return start;
  }
  return std::string_view::npos;
}

}  // namespace quipu::notes

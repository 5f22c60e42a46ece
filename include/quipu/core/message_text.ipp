// What message_text.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/message_text.hpp>

namespace quipu {

namespace detail {

/// Bytes of the character at the start of `text` that may be shown as it is, or 0.
[[nodiscard]] inline std::size_t shown_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < n) return 0;
  std::uint32_t code = first & (0xffu >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool steers = code < 0xa0 || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
                      (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return overlong || surrogate || steers || code > 0x10ffff ? 0 : n;
}

}  // namespace detail

QUIPU_INLINE std::string message_text(std::string_view text, std::size_t longest) {
  constexpr char digits[] = "0123456789abcdef";
  const auto append = [&](std::string& out, std::string_view part) {
    while (!part.empty()) {
      if (const std::size_t n = detail::shown_character(part); n > 0) {
        out += part.substr(0, n);
        part.remove_prefix(n);
        continue;
      }
      const auto byte = static_cast<unsigned char>(part[0]);
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      part.remove_prefix(1);
    }
  };
  std::string shown;
  if (text.size() <= longest) {
    append(shown, text);
    return shown;
  }
  // The end says what was found; a cut through a character shows its bytes.
  const std::size_t end = longest / 4;
  constexpr std::string_view gap = " [...] ";
  append(shown, text.substr(0, longest - end - gap.size()));
  shown += gap;
  append(shown, text.substr(text.size() - end));
  return shown;
}

}  // namespace quipu

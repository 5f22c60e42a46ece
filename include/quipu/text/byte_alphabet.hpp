/// @file GPT-2's alphabet: one printable character for each of the 256 bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <quipu/text/utf8.hpp>
#include <string>
#include <string_view>

namespace quipu::text {

/// Character of `byte`: itself if it is printable in Latin-1, else the next free one from U+0100
/// on.
[[nodiscard]] constexpr char32_t character_of_byte(std::uint8_t byte) noexcept {
  const auto printable = [](unsigned b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  };
  if (printable(byte)) return byte;
  char32_t next = 0x100;
  for (unsigned b = 0; b < byte; ++b) {
    if (!printable(b)) ++next;
  }
  return next;
}

/// Byte of every character below U+0144; -1 if the character is none of the alphabet.
inline constexpr std::array<std::int16_t, 0x144> byte_of_character = [] {
  std::array<std::int16_t, 0x144> table{};
  for (auto& entry : table) entry = -1;
  for (int byte = 0; byte < 256; ++byte) {
    table[character_of_byte(static_cast<std::uint8_t>(byte))] = static_cast<std::int16_t>(byte);
  }
  return table;
}();

/// Writes the bytes that `written` spells to `out`.
/// @return false, with `out` unspecified, if `written` has a character outside the alphabet
[[nodiscard]] inline bool decode_byte_alphabet(std::string_view written, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < written.size();) {
    const utf8_step step = decode_utf8(written, at);
    if (step.status != utf8_status::valid || step.code_point >= byte_of_character.size())
      return false;
    const int byte = byte_of_character[step.code_point];
    if (byte < 0) return false;
    out.push_back(static_cast<char>(byte));
    at += step.length;
  }
  return true;
}

/// `bytes` in the alphabet: "a b" is "aĠb".
[[nodiscard]] inline std::string encode_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) append_utf8(out, character_of_byte(static_cast<std::uint8_t>(c)));
  return out;
}

}  // namespace quipu::text

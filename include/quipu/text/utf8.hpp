/// @file UTF-8: decoding with the reason of a failure, validation, writing and replacement of
/// invalid bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text {

/// U+FFFD, what stands for bytes that are not UTF-8.
inline constexpr char32_t replacement_character = 0xFFFD;

/// What `decode_utf8` met.
enum class utf8_status : std::uint8_t {
  valid,      ///< a whole character
  invalid,    ///< bytes that no continuation can make valid
  truncated,  ///< the text ends inside a character that is well-formed so far
};

/// One character, or the bytes that stand for one U+FFFD.
struct utf8_step {
  char32_t code_point = replacement_character;
  std::size_t length = 1;  ///< bytes to go on by, at least 1
  utf8_status status = utf8_status::invalid;
};

/// Decodes the character at `text[at]`. Over-long forms, surrogates and values above U+10FFFF are
/// invalid. A failure covers the longest run of bytes that began well (Unicode, section 3.9: the
/// maximal subpart), so that replacing gives the same text as Python's "replace" and the web's
/// decoder.
/// @pre at < text.size()
[[nodiscard]] constexpr utf8_step decode_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(at);
  if (lead < 0x80) return {static_cast<char32_t>(lead), 1, utf8_status::valid};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  std::uint32_t low = 0x80;  // range of the second byte, narrower after four lead bytes
  std::uint32_t high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  std::uint32_t value = lead & (length == 2 ? 0x1Fu : length == 3 ? 0x0Fu : 0x07u);
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) return {replacement_character, i, utf8_status::truncated};
    const std::uint32_t next = byte(at + i);
    if (next < low || next > high) return {replacement_character, i, utf8_status::invalid};
    value = value << 6 | (next & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {static_cast<char32_t>(value), length, utf8_status::valid};
}

/// Bytes of the longest prefix of `text` that is valid UTF-8.
[[nodiscard]] inline std::size_t valid_utf8_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    // Eight ASCII characters at a time: most text is mostly that.
    std::uint64_t eight = 0;
    while (at + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080u) != 0) break;
      at += 8;
    }
    if (at >= text.size()) break;
    const utf8_step step = decode_utf8(text, at);
    if (step.status != utf8_status::valid) return at;
    at += step.length;
  }
  return at;
}

[[nodiscard]] inline bool is_valid_utf8(std::string_view text) noexcept {
  return valid_utf8_prefix(text) == text.size();
}

/// Appends `code_point` to `out`.
/// @pre code_point is a Unicode scalar value (up to U+10FFFF, no surrogate)
inline void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto value = static_cast<std::uint32_t>(code_point);
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

/// `text` with U+FFFD for every maximal run of bytes that is not UTF-8; valid text comes back as it
/// is.
[[nodiscard]] inline std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    append_utf8(out, replacement_character);
    text.remove_prefix(decode_utf8(text, 0).length);
  }
  return out;
}

}  // namespace quipu::text

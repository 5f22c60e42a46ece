/// @file How SentencePiece spells pieces: U+2581 for blanks, "<0xHH>" for bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text {

/// U+2581, which stands for a space inside sentencepiece's pieces.
inline constexpr std::string_view sentencepiece_space = "\xE2\x96\x81";

/// `text` with U+2581 turned into spaces.
[[nodiscard]] inline std::string unescape_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = std::min(text.find(sentencepiece_space, at), text.size());
    out.append(text.substr(at, found - at));
    if (found == text.size()) break;
    out.push_back(' ');
    at = found + sentencepiece_space.size();
  }
  return out;
}

/// Appends `text` with every space turned into U+2581.
inline void append_escaped_spaces(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == ' ') {
      out.append(sentencepiece_space);
    } else {
      out.push_back(c);
    }
  }
}

/// The byte that a piece "<0xHH>" names, or -1.
[[nodiscard]] constexpr int byte_of_piece(std::string_view piece) noexcept {
  if (piece.size() != 6 || piece.substr(0, 3) != "<0x" || piece[5] != '>') return -1;
  int value = 0;
  for (const char c : piece.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return -1;
    value = value * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  return value;
}

}  // namespace quipu::text

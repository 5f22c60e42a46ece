/// @file Which characters make words, which are written without blanks, and their lower case.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iterator>

#include <utf8proc.h>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::notes {

/// True for letters and numbers of any script; marks, punctuation, blanks and '_' are not.
[[nodiscard]] inline bool is_word_character(char32_t code) noexcept {
  if (code < 0x80) {
    return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  }
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

/// The simple lower-case form of one character (U+0130 becomes a plain i). Keys in stored notebooks depend on it; Unicode
/// promises that a character keeps its own.
[[nodiscard]] inline char32_t to_lower(char32_t code) noexcept {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

/// True for the blocks of scripts that are written without blanks between words: Thai, Lao, Myanmar, Khmer, the Tai scripts,
/// Balinese, Javanese, kana, Bopomofo and Han. Source: Unicode Line Breaking Algorithm (UAX 14), classes SA and ID.
[[nodiscard]] inline bool is_unspaced(char32_t code) noexcept {
  struct block {
    char32_t first, last;
  };
  static constexpr block blocks[] = {
      {0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x1950, 0x19DF},   {0x1A20, 0x1AAF},
      {0x1B00, 0x1B7F}, {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3031, 0x312F},   {0x31A0, 0x31BF},
      {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA980, 0xA9DF},   {0xA9E0, 0xA9FF},
      {0xAA60, 0xAADF}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x1AFF0, 0x1B16F}, {0x20000, 0x3FFFF}};
  if (code < blocks[0].first) return false;
  const auto* after = std::upper_bound(std::begin(blocks), std::end(blocks), code,
                                       [](char32_t value, const block& one) { return value < one.first; });
  return after != std::begin(blocks) && code <= std::prev(after)->last;
}

}  // namespace quipu::notes

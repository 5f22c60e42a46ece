/// @file Classes of characters that tokenizer files speak of: white space, word characters, marks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include <utf8proc.h>

#include <quipu/text/utf8.hpp>

namespace quipu::text {

/// Unicode's White_Space: what `\s` and `char::is_whitespace` are to Hugging Face's tokenizers.
[[nodiscard]] constexpr bool is_white_space(char32_t c) noexcept {
  return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// General category M: combining marks of all kinds.
[[nodiscard]] inline bool is_mark(char32_t c) noexcept {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

/// What `\w` is to Hugging Face's tokenizers: Alphabetic, marks, decimal digits, connecting punctuation, joiners.
/// Source: Unicode Technical Standard 18, annex C. Alphabetic beyond letters, letter numbers and marks are the
/// circled and squared letters.
[[nodiscard]] inline bool is_word_character(char32_t c) noexcept {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
  if (c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
      (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189))
    return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
  }
}

/// The character that ends at `text[end - 1]`, decoded; bytes that are not UTF-8 come one by one.
/// @pre 0 < end <= text.size()
[[nodiscard]] inline utf8_step decode_utf8_before(std::string_view text, std::size_t end) noexcept {
  for (std::size_t length = 1; length <= 4 && length <= end; ++length) {
    if ((static_cast<unsigned char>(text[end - length]) & 0xC0) == 0x80) continue;
    const utf8_step step = decode_utf8(text.substr(0, end), end - length);
    if (step.status == utf8_status::valid && step.length == length) return step;
    break;
  }
  return {};
}

/// Where the white space that begins at `begin` ends.
[[nodiscard]] inline std::size_t white_space_end(std::string_view text, std::size_t begin) noexcept {
  while (begin < text.size()) {
    const utf8_step step = decode_utf8(text, begin);
    if (step.status != utf8_status::valid || !is_white_space(step.code_point)) break;
    begin += step.length;
  }
  return begin;
}

/// Where the white space that ends at `end` begins, but not before `floor`.
[[nodiscard]] inline std::size_t white_space_begin(std::string_view text, std::size_t end, std::size_t floor) noexcept {
  while (end > floor) {
    const utf8_step step = decode_utf8_before(text, end);
    if (step.status != utf8_status::valid || !is_white_space(step.code_point) || step.length > end - floor) break;
    end -= step.length;
  }
  return end;
}

}  // namespace quipu::text

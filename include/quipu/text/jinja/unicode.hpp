/// @file What Python's str knows about characters: blanks, letters, digits, cases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <utf8proc.h>

#include <quipu/text/utf8.hpp>  // append_utf8, decode_utf8

namespace quipu::text::jinja {

// What is used all over stays a call, here and in the headers beside: inlined, the language would compile to twice the
// code.

/// The character at `at`, as `decode_utf8` has it.
[[nodiscard]] inline utf8_step character_at(std::string_view text, std::size_t at) noexcept {
  return decode_utf8(text, at);
}

/// str.isspace: what strip, split and `-` marks take away.
[[nodiscard]] inline bool is_blank(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// Where str.splitlines ends a line.
[[nodiscard]] inline bool is_line_end(char32_t c) noexcept {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/// Length of the character at `at`; bytes that are not UTF-8 count one by one, as U+FFFD.
[[nodiscard]] inline std::size_t step_at(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]) < 0x80 ? 1 : character_at(text, at).length;
}

/// Begin of the character that ends before `at`.
/// @pre 0 < at <= text.size()
[[nodiscard]] inline std::size_t step_back(std::string_view text, std::size_t at) noexcept {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin + character_at(text, begin).length == at ? begin : at - 1;
}

[[nodiscard]] inline std::size_t count_characters(std::string_view text) noexcept {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); at += step_at(text, at)) ++n;
  return n;
}

[[nodiscard]] inline utf8proc_category_t category_of(char32_t c) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}
[[nodiscard]] inline bool is_letter(char32_t c) noexcept {
  const auto category = category_of(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}
[[nodiscard]] inline bool is_decimal(char32_t c) noexcept {
  return c < 0x80 ? c >= '0' && c <= '9' : category_of(c) == UTF8PROC_CATEGORY_ND;
}
/// str.isdigit: also superscripts and circled digits.
[[nodiscard]] inline bool is_digit(char32_t c) noexcept {
  return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079) ||
         (c >= 0x2080 && c <= 0x2089) || (c >= 0x2460 && c <= 0x2468) || (c >= 0x2474 && c <= 0x247C) ||
         (c >= 0x2488 && c <= 0x2490);
}
[[nodiscard]] inline bool is_numeric(char32_t c) noexcept {
  if (is_digit(c)) return true;
  const auto category = category_of(c);
  return category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO;
}
[[nodiscard]] inline bool is_word(char32_t c) noexcept {
  return c == '_' || is_letter(c) || is_numeric(c);
}
[[nodiscard]] inline bool is_upper_case(char32_t c) noexcept {
  return category_of(c) == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216F) || (c >= 0x24B6 && c <= 0x24CF);
}
[[nodiscard]] inline bool is_lower_case(char32_t c) noexcept {
  return category_of(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA || (c >= 0x2B0 && c <= 0x2B8) ||
         (c >= 0x2170 && c <= 0x217F) || (c >= 0x24D0 && c <= 0x24E9);
}
[[nodiscard]] inline bool is_title_case(char32_t c) noexcept { return category_of(c) == UTF8PROC_CATEGORY_LT; }
[[nodiscard]] inline bool is_cased(char32_t c) noexcept {
  return is_upper_case(c) || is_lower_case(c) || is_title_case(c);
}
/// str.isprintable: what repr shows as it is.
[[nodiscard]] inline bool is_shown(char32_t c) noexcept {
  if (c < 0x7F) return c >= 0x20;
  const auto category = category_of(c);
  return category != UTF8PROC_CATEGORY_CN && (category < UTF8PROC_CATEGORY_ZS || category > UTF8PROC_CATEGORY_CO);
}

/// How a character changes its case.
enum class letter_case : unsigned char { lower, upper, title };

/// Appends `c` in another case: one to three characters (full case mapping; the final sigma is the caller's).
inline void append_case(std::string& out, char32_t c, letter_case wanted) {
  if (c < 0x80) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (wanted == letter_case::lower ? is_upper : is_lower) c ^= 0x20;
    out.push_back(static_cast<char>(c));
    return;
  }
  // Characters that become several (SpecialCasing.txt, without conditions): upper case, then title case if it differs.
  struct special {
    char32_t c;
    char32_t upper[3];
    char32_t title[3];
  };
  static constexpr special specials[] = {
      {0xDF, {'S', 'S'}, {'S', 's'}},
      {0x149, {0x2BC, 'N'}, {}},
      {0x1F0, {'J', 0x30C}, {}},
      {0x390, {0x399, 0x308, 0x301}, {}},
      {0x3B0, {0x3A5, 0x308, 0x301}, {}},
      {0x587, {0x535, 0x552}, {0x535, 0x582}},
      {0x1E96, {'H', 0x331}, {}},
      {0x1E97, {'T', 0x308}, {}},
      {0x1E98, {'W', 0x30A}, {}},
      {0x1E99, {'Y', 0x30A}, {}},
      {0x1E9A, {'A', 0x2BE}, {}},
      {0xFB00, {'F', 'F'}, {'F', 'f'}},
      {0xFB01, {'F', 'I'}, {'F', 'i'}},
      {0xFB02, {'F', 'L'}, {'F', 'l'}},
      {0xFB03, {'F', 'F', 'I'}, {'F', 'f', 'i'}},
      {0xFB04, {'F', 'F', 'L'}, {'F', 'f', 'l'}},
      {0xFB05, {'S', 'T'}, {'S', 't'}},
      {0xFB06, {'S', 'T'}, {'S', 't'}},
  };
  if (wanted == letter_case::lower) {
    if (c == 0x130) {
      out += "i\xCC\x87";
      return;
    }
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    return;
  }
  for (const special& one : specials) {
    if (one.c != c) continue;
    const char32_t* row = wanted == letter_case::title && one.title[0] != 0 ? one.title : one.upper;
    for (int i = 0; i < 3 && row[i] != 0; ++i) append_utf8(out, row[i]);
    return;
  }
  const auto code = static_cast<utf8proc_int32_t>(c);
  append_utf8(out,
              static_cast<char32_t>(wanted == letter_case::upper ? utf8proc_toupper(code) : utf8proc_totitle(code)));
}

/// Appends the character at `at` in lower case: a capital sigma that ends a word becomes the final one.
inline void append_lower(std::string& out, std::string_view text, std::size_t at, utf8_step step) {
  if (step.code_point != 0x3A3) return append_case(out, step.code_point, letter_case::lower);
  const auto is_ignored = [](char32_t c) {
    const auto category = category_of(c);
    return c == '\'' || c == '.' || c == ':' || c == 0xAD || c == 0x2019 || category == UTF8PROC_CATEGORY_MN ||
           category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK;
  };
  constexpr std::size_t far = 256;  // marks in a row beyond which nobody writes: keeps lower-casing linear
  bool cased_before = false;
  for (std::size_t i = at, n = 0; i > 0 && n < far; ++n) {
    i = step_back(text, i);
    const char32_t c = character_at(text, i).code_point;
    if (is_ignored(c)) continue;
    cased_before = is_cased(c);
    break;
  }
  bool cased_after = false;
  for (std::size_t i = at + step.length, n = 0; i < text.size() && n < far; ++n) {
    const utf8_step next = character_at(text, i);
    i += next.length;
    if (is_ignored(next.code_point)) continue;
    cased_after = is_cased(next.code_point);
    break;
  }
  append_utf8(out, cased_before && !cased_after ? 0x3C2 : 0x3C3);
}

}  // namespace quipu::text::jinja

/// @file Unicode's normal forms, lower case and the removal of marks, over bytes that need not be UTF-8.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <utf8proc.h>

#include <quipu/text/character_class.hpp>  // is_mark
#include <quipu/text/utf8.hpp>

namespace quipu::text {

enum class normal_form : std::uint8_t { nfc, nfd, nfkc, nfkd };

namespace detail {

/// Appends the normal form of the characters in `points`, which it uses up.
/// @param further  of UTF8PROC_CASEFOLD and UTF8PROC_IGNORE
inline void append_normal(std::string& out, std::vector<utf8proc_int32_t>& points, normal_form form, int further = 0) {
  const bool compatible = form == normal_form::nfkc || form == normal_form::nfkd;
  const bool composed = form == normal_form::nfc || form == normal_form::nfkc;
  const int stable = UTF8PROC_STABLE | (compatible ? UTF8PROC_COMPAT : 0);
  std::vector<utf8proc_int32_t> parts;
  parts.reserve(points.size());
  for (const utf8proc_int32_t point : points) {
    utf8proc_int32_t some[32];
    int boundary = 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char(
        point, some, 32, static_cast<utf8proc_option_t>(stable | further | UTF8PROC_DECOMPOSE), &boundary);
    if (n < 0 || n > 32) {
      parts.push_back(point);
    } else {
      parts.insert(parts.end(), some, some + n);
    }
  }
  points.clear();
  // Marks in canonical order. Sorting here keeps long runs of them from costing the square of their length, as they do
  // in utf8proc_decompose.
  const auto rank = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (std::size_t i = 0; i < parts.size();) {
    if (rank(parts[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < parts.size() && rank(parts[end]) != 0) ++end;
    if (end - i > 1) {
      std::stable_sort(parts.begin() + static_cast<std::ptrdiff_t>(i), parts.begin() + static_cast<std::ptrdiff_t>(end),
                       [&](utf8proc_int32_t a, utf8proc_int32_t b) { return rank(a) < rank(b); });
    }
    i = end;
  }
  auto n = static_cast<utf8proc_ssize_t>(parts.size());
  if (composed) {
    n = utf8proc_normalize_utf32(parts.data(), n, static_cast<utf8proc_option_t>(stable | UTF8PROC_COMPOSE));
    if (n < 0) throw std::bad_alloc();
  }
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
}

/// Calls `each(char32_t)` for the characters and `other(bytes)` for what is none.
template <class Each, class Other>
void for_each_character(std::string_view text, const Each& each, const Other& other) {
  for (std::size_t at = 0; at < text.size();) {
    const utf8_step step = decode_utf8(text, at);
    if (step.status == utf8_status::valid) {
      each(step.code_point);
    } else {
      other(text.substr(at, step.length));
    }
    at += step.length;
  }
}

}  // namespace detail

namespace detail {

/// The work of `to_normal_form` and `to_search_form`, for texts that are not all ASCII.
[[nodiscard]] inline std::string normalised(std::string_view text, normal_form form, int further = 0) {
  std::string out;
  out.reserve(text.size() + 16);
  std::vector<utf8proc_int32_t> run;
  for_each_character(
      text,
      [&](char32_t c) {
        // A character before which every form may be cut, so that runs stay short.
        if (c < 0x80) {
          if (!run.empty() && run.size() >= 256) append_normal(out, run, form, further);
        }
        run.push_back(static_cast<utf8proc_int32_t>(c));
      },
      [&](std::string_view bytes) {
        append_normal(out, run, form, further);
        out += bytes;
      });
  append_normal(out, run, form, further);
  return out;
}

}  // namespace detail

/// `text` in a normal form; bytes that are not UTF-8 stay, as borders. Source: Unicode Standard Annex 15; the tables
/// are utf8proc's. Cost: linear, n log n in a run of combining marks.
[[nodiscard]] inline std::string to_normal_form(std::string_view text, normal_form form) {
  // Below U+0080 every form, below U+0300 NFC changes nothing.
  const bool nfc = form == normal_form::nfc;
  bool same = true;
  for (std::size_t i = 0; i < text.size() && same; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    same = byte < 0x80 || (nfc && byte < 0xCC);
  }
  return same ? std::string(text) : detail::normalised(text, form);
}

/// `text` as searches compare it: compatible forms, composed, in full case folding (a sharp s is "ss"), without characters
/// that are not seen; the dot that folding leaves over a capital I with one is dropped. Bytes that are not UTF-8 stay.
/// Source: Unicode's NFKC_Casefold.
[[nodiscard]] inline std::string to_search_form(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return lower;
  }
  std::string folded = detail::normalised(text, normal_form::nfkc, UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  for (std::size_t at = 0; (at = folded.find("i\xCC\x87", at)) != std::string::npos;) folded.erase(++at, 2);
  return folded;
}

/// `text` with every character's lower case, without regard to what stands around it. Source: Rust's
/// `char::to_lowercase`, which Hugging Face's tokenizers call; of all characters only U+0130 becomes two.
[[nodiscard]] inline std::string to_lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  detail::for_each_character(
      text,
      [&](char32_t c) {
        if (c < 0x80) {
          out.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
        } else if (c == 0x130) {
          out += "i\xCC\x87";
        } else {
          append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
        }
      },
      [&](std::string_view bytes) { out += bytes; });
  return out;
}

/// `text` without marks (general category M). Letters that hold their accent keep it, unless the text was decomposed.
[[nodiscard]] inline std::string without_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  detail::for_each_character(
      text,
      [&](char32_t c) {
        if (c < 0x80 || !is_mark(c)) append_utf8(out, c);
      },
      [&](std::string_view bytes) { out += bytes; });
  return out;
}

}  // namespace quipu::text

/// @file A regular expression over UTF-8 text, compiled by PCRE2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8  // the header insists; the functions below are called by their full names
#endif
#include <pcre2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <quipu/core/error.hpp>  // config_error
#include <string>
#include <string_view>

namespace quipu::text {

/// Where a match may begin.
enum class match_place : std::uint8_t { here, anywhere };

/// What one thread needs to match: results, limits and a stack that long words cannot exhaust.
class match_space {
 public:
  explicit match_space(const pcre2_code_8* code)
      : data_(pcre2_match_data_create_from_pattern_8(code, nullptr), pcre2_match_data_free_8),
        context_(pcre2_match_context_create_8(nullptr), pcre2_match_context_free_8) {
    if (data_ == nullptr || context_ == nullptr) throw std::bad_alloc();
  }

 private:
  friend class compiled_pattern;
  std::unique_ptr<pcre2_match_data_8, decltype(&pcre2_match_data_free_8)> data_;
  std::unique_ptr<pcre2_match_context_8, decltype(&pcre2_match_context_free_8)> context_;
};

/// Const and usable by several threads at once; copies share it.
class compiled_pattern {
 public:
  /// @param what  for the error
  /// @throws config_error  PCRE2 refuses the pattern, for example because it was built without Unicode
  compiled_pattern(const std::string& pattern, match_place place, std::string_view what) : what_(what) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    const std::uint32_t anchor = place == match_place::here ? PCRE2_ANCHORED : 0u;
    pcre2_code_8* code = pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                                         PCRE2_UTF | PCRE2_UCP | anchor, &error, &offset, nullptr);
    if (code == nullptr) throw config_error(concat(what, ": PCRE2 error ", error, " at offset ", offset));
    code_ = std::shared_ptr<pcre2_code_8>(code, [](pcre2_code_8* old) { pcre2_code_free_8(old); });
    pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE);  // without a JIT the interpreter does the same, slower
  }

  [[nodiscard]] match_space space() const { return match_space(code_.get()); }

  /// May it match nothing?
  [[nodiscard]] bool may_be_empty() const noexcept {
    std::uint32_t answer = 1;
    pcre2_pattern_info_8(code_.get(), PCRE2_INFO_MATCHEMPTY, &answer);
    return answer != 0;
  }

  /// The next match at or after `at`, as `begin` and `end`; false if there is none.
  /// @pre `text` is UTF-8, `at` at the start of a character
  /// @throws format_error  a pattern that goes back and forth over the text without end, as (a*)*b does
  [[nodiscard]] bool find(std::string_view text, std::size_t at, const match_space& space, std::size_t& begin,
                          std::size_t& end) const {
    const auto steps = static_cast<std::uint32_t>(std::min<std::size_t>(
        10'000'000 + 64 * (text.size() - at), std::numeric_limits<std::uint32_t>::max()));
    pcre2_set_match_limit_8(space.context_.get(), steps);
    const auto match = [&](std::uint32_t options) {
      return pcre2_match_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), at,
                           PCRE2_NO_UTF_CHECK | options, space.data_.get(), space.context_.get());
    };
    int count = match(0);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) count = match(PCRE2_NO_JIT);  // whose stack is the heap
    if (count == PCRE2_ERROR_MATCHLIMIT) {
      fail<format_error>(concat(what_, ": pattern"), concat("a match within ", steps, " steps"),
                         concat("more, at byte ", at, " of a text of ", text.size()));
    }
    if (count <= 0) return false;
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer_8(space.data_.get());
    begin = found[0];
    end = found[1];
    return true;
  }

 private:
  std::shared_ptr<pcre2_code_8> code_;
  std::string what_;
};

/// `text` as a pattern that matches just it.
[[nodiscard]] inline std::string quoted_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       (static_cast<unsigned char>(c) & 0x80) != 0;
    if (c == '\0') {
      out += "\\x{0}";
      continue;
    }
    if (!plain) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace quipu::text

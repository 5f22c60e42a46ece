// What name_pattern.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/optim/name_pattern.hpp>

namespace quipu::optim {

QUIPU_INLINE name_pattern name_pattern::suffixes(std::vector<std::string> endings) {
  name_pattern p(kind::suffixes);
  p.looked_up_ = std::make_shared<const std::set<std::string, std::less<>>>(endings.begin(), endings.end());
  p.endings_ = std::move(endings);
  return p;
}

QUIPU_INLINE name_pattern name_pattern::regex(const std::string& expression) {
  name_pattern p(kind::regex);
  const std::string whole = "\\A(?:" + expression + ")\\z";
  int code = 0;
  PCRE2_SIZE offset = 0;
  p.compiled_.reset(::pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(whole.data()), whole.size(),
                                      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, nullptr),
                    [](pcre2_code_8* compiled) { ::pcre2_code_free_8(compiled); });
  if (p.compiled_ == nullptr) {
    fail<config_error>(
        "name_pattern", "a regular expression",
        concat(printable(expression), " (error ", code, " near character ", offset < 5 ? 0 : offset - 5, ")"));
  }
  p.expression_ = expression;
  return p;
}

QUIPU_INLINE bool name_pattern::operator()(std::string_view name) const {
  switch (kind_) {
    case kind::all: return true;
    case kind::suffixes:
      if (endings_.empty()) return false;
      for (std::string_view rest = name;
           ;) {  // what a listed ending may be: all of the name, and what lies behind its dots
        if (looked_up_->contains(rest)) return true;
        const std::size_t dot = rest.find('.');
        if (dot == std::string_view::npos) return false;
        rest.remove_prefix(dot + 1);
      }
    case kind::regex: break;
  }
  const std::unique_ptr<pcre2_match_data_8, void (*)(pcre2_match_data_8*)> data(
      ::pcre2_match_data_create_from_pattern_8(compiled_.get(), nullptr), ::pcre2_match_data_free_8);
  // Names are short: what takes more steps is an expression that tries its parts against each other.
  static pcre2_match_context_8* const limits = [] {
    pcre2_match_context_8* const made = ::pcre2_match_context_create_8(nullptr);
    if (made != nullptr) ::pcre2_set_match_limit_8(made, 100'000);
    return made;
  }();
  const int matched = ::pcre2_match_8(compiled_.get(), reinterpret_cast<PCRE2_SPTR8>(name.data()), name.size(), 0, 0,
                                      data.get(), limits);
  if (matched < 0 && matched != PCRE2_ERROR_NOMATCH) {
    fail<config_error>("name_pattern", "an expression that can be matched in 100,000 steps", printable(expression_));
  }
  return matched >= 0;
}

}  // namespace quipu::optim

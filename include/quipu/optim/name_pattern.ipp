// What name_pattern.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/optim/name_pattern.hpp>

namespace quipu::optim {

QUIPU_INLINE name_pattern name_pattern::suffixes(std::vector<std::string> endings) {
  name_pattern p(kind::suffixes);
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
        concat("'", expression, "' (error ", code, " near character ", offset < 5 ? 0 : offset - 5, ")"));
  }
  p.expression_ = expression;
  return p;
}

QUIPU_INLINE bool name_pattern::operator()(std::string_view name) const {
  switch (kind_) {
    case kind::all: return true;
    case kind::suffixes:
      return std::any_of(endings_.begin(), endings_.end(), [&](const std::string& e) { return ends_in(name, e); });
    case kind::regex: break;
  }
  const std::unique_ptr<pcre2_match_data_8, void (*)(pcre2_match_data_8*)> data(
      ::pcre2_match_data_create_from_pattern_8(compiled_.get(), nullptr), ::pcre2_match_data_free_8);
  const int matched = ::pcre2_match_8(compiled_.get(), reinterpret_cast<PCRE2_SPTR8>(name.data()), name.size(), 0, 0,
                                      data.get(), nullptr);
  if (matched < 0 && matched != PCRE2_ERROR_NOMATCH) {
    fail<config_error>("name_pattern", "an expression that can be matched within the usual limits", expression_);
  }
  return matched >= 0;
}

}  // namespace quipu::optim

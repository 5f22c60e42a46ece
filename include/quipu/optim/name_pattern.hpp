/// @file Choosing tensors and modules by name, as PEFT's `target_modules` does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8  // the header insists; functions are called by their full names
#endif
#include <pcre2.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::optim {

/// A predicate on dotted names: everything, a list of suffixes, or a regular expression. Copies share the
/// compiled expression.
class name_pattern {
 public:
  /// Every name.
  [[nodiscard]] static name_pattern all() { return name_pattern(kind::all); }
  [[nodiscard]] static name_pattern none() { return name_pattern(kind::suffixes); }
  /// Names that equal one of `endings` or end in "." + one of them.
  [[nodiscard]] static name_pattern suffixes(std::vector<std::string> endings) {
    name_pattern p(kind::suffixes);
    p.endings_ = std::move(endings);
    return p;
  }
  /// Names that an expression matches from beginning to end, as Python's re.fullmatch.
  /// @throws config_error  the expression cannot be compiled
  [[nodiscard]] static name_pattern regex(const std::string& expression) {
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

  [[nodiscard]] bool operator()(std::string_view name) const {
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

  [[nodiscard]] bool is_all() const noexcept { return kind_ == kind::all; }
  [[nodiscard]] bool is_regex() const noexcept { return kind_ == kind::regex; }
  [[nodiscard]] const std::string& expression() const noexcept { return expression_; }
  [[nodiscard]] const std::vector<std::string>& endings() const noexcept { return endings_; }

  /// "q_proj" is the end of "model.layers.0.self_attn.q_proj", "proj" is not.
  [[nodiscard]] static bool ends_in(std::string_view name, std::string_view ending) noexcept {
    if (name.size() < ending.size() || name.substr(name.size() - ending.size()) != ending) return false;
    return name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.';
  }

 private:
  enum class kind { all, suffixes, regex };
  explicit name_pattern(kind k) : kind_(k) {}

  kind kind_;
  std::vector<std::string> endings_;
  std::string expression_;
  std::shared_ptr<pcre2_code_8> compiled_;
};

}  // namespace quipu::optim

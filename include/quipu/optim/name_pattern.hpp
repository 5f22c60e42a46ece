/// @file Choosing tensors and modules by name, as PEFT's `target_modules` does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8  // the header insists; functions are called by their full names
#endif
#include <pcre2.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::optim {

/// A predicate on dotted names: everything, a list of suffixes, or a regular expression. Copies share the
/// compiled expression.
class name_pattern {
 public:
  /// Every name.
  [[nodiscard]] static name_pattern all() { return name_pattern(kind::all); }
  [[nodiscard]] static name_pattern none() { return name_pattern(kind::suffixes); }
  /// Names that equal one of `endings` or end in "." + one of them.
  [[nodiscard]] static name_pattern suffixes(std::vector<std::string> endings);
  /// Names that an expression matches from beginning to end, as Python's re.fullmatch.
  /// @throws config_error  the expression cannot be compiled; calls throw it, too, if matching takes too many steps
  [[nodiscard]] static name_pattern regex(const std::string& expression);

  [[nodiscard]] bool operator()(std::string_view name) const;

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
  std::shared_ptr<const std::set<std::string, std::less<>>> looked_up_;  // the endings
  std::string expression_;
  std::shared_ptr<pcre2_code_8> compiled_;
};

}  // namespace quipu::optim

#if !defined(QUIPU_COMPILED)
#include <quipu/optim/name_pattern.ipp>
#endif

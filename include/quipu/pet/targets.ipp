// What targets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

QUIPU_INLINE std::string peft_name(const std::string& module_name, const char* part) {
  return concat("base_model.model.", module_name, part);
}

QUIPU_INLINE std::string exact_pattern(const std::string& name) {
  std::string pattern;
  for (const char letter : name) pattern += letter == '.' ? std::string("\\.") : std::string(1, letter);
  return pattern;
}

QUIPU_INLINE pattern_table::pattern_table(const std::vector<pattern_value>& patterns) {
  rules_.reserve(patterns.size());
  std::string ending;
  for (const pattern_value& p : patterns) {
    ending.clear();
    if (read_name(p.pattern, ending)) {
      rules_.push_back({endings_.size(), ending.size(), p.value});
      endings_ += ending;
      continue;
    }
    if (expressions_.size() == most_expressions) {
      fail<config_error>("patterns of ranks and alphas",
                         concat("at most ", most_expressions, " expressions beside names of modules"), "more");
    }
    rules_.push_back({expressions_.size(), 0, p.value});
    expressions_.push_back(optim::name_pattern::regex("(.*\\.)?(" + p.pattern + ")"));
  }
}

QUIPU_INLINE double pattern_table::operator()(std::string_view name, double usual) const {
  const std::string_view endings = endings_;
  for (const rule& one : rules_) {
    const bool fits = one.size == 0 ? expressions_[one.begin](name) : ends_in(name, endings.substr(one.begin, one.size));
    if (fits) return one.value;
  }
  return usual;
}

QUIPU_INLINE bool pattern_table::read_name(const std::string& pattern, std::string& ending) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (c == '\\' && i + 1 < pattern.size() && pattern[i + 1] == '.') {
      ending += '.';
      ++i;
    } else if (is_plain || c == '.') {
      ending += c == '.' ? any_letter : c;
    } else {
      return false;
    }
  }
  return !pattern.empty();
}

QUIPU_INLINE bool pattern_table::ends_in(std::string_view name, std::string_view ending) noexcept {
  if (name.size() < ending.size()) return false;
  const std::size_t begin = name.size() - ending.size();
  if (begin > 0 && name[begin - 1] != '.') return false;
  for (std::size_t i = ending.size(); i-- > 0;) {
    if (ending[i] != any_letter && ending[i] != name[begin + i]) return false;
  }
  return true;
}

#if defined(QUIPU_COMPILED)
template class parameter_memory<float>;
#endif

}  // namespace quipu::pet

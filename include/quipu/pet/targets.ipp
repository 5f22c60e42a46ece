// What targets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
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

QUIPU_INLINE double value_for(const std::vector<pattern_value>& patterns, const std::string& name, double usual) {
  for (const pattern_value& p : patterns) {
    if (optim::name_pattern::regex("(.*\\.)?(" + p.pattern + ")")(name)) return p.value;
  }
  return usual;
}

#if defined(QUIPU_COMPILED)
template class parameter_memory<float>;
#endif

}  // namespace quipu::pet

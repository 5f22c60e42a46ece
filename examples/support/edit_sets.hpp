/// @file Opening a set of edits by its name, for programs: what was left out or made up is said.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/data/open_set.hpp>

namespace terminal {

inline std::vector<quipu::data::edit_case> open_edits(const std::string& name, const std::string& path,
                                                      quipu::data::edited_half half = quipu::data::edited_half::first) {
  quipu::data::edit_set set = quipu::data::open_edit_set(name, path, half);
  for (const std::string& remark : set.remarks) std::cerr << path << ": " << remark << '\n';
  return std::move(set.cases);
}

/// Help for an option that takes the name.
inline std::string edit_set_help() {
  std::string names;
  for (const std::string_view name : quipu::data::edit_set_names) (names += names.empty() ? "" : ", ") += name;
  return names;
}

}  // namespace terminal

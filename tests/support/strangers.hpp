/// @file Inputs that strangers brought: walks over the folders whose files have a given form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/shared_data.hpp"

namespace quipu::test {

struct stranger {
  std::string name;             ///< of the folder
  std::filesystem::path input;
  nlohmann::json expected, job;  ///< the job is null if the folder has none
};

/// Object or null: keys that the file must have.
inline bool has_keys(const nlohmann::json& object, std::initializer_list<const char*> keys) {
  return object.is_object() && std::all_of(keys.begin(), keys.end(), [&](const char* key) { return object.contains(key); });
}

/// The folders for which `is_kind(const stranger&)` holds, by name. With no shared data the skip is noted and there are
/// none; a shared folder without a case of the kind fails the test.
template <class IsKind>
std::vector<stranger> strangers_of(IsKind&& is_kind) {
  const std::filesystem::path root = shared_root() / "data" / "strangers";
  std::vector<stranger> found;
  if (!have(root)) return found;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!std::filesystem::exists(entry.path() / "expected.json")) continue;
    stranger s;
    s.name = entry.path().filename().string();
    s.input = entry.path() / "input";
    std::ifstream(entry.path() / "expected.json") >> s.expected;
    if (std::ifstream job(s.input / "job.json"); job) job >> s.job;
    if (is_kind(s)) found.push_back(std::move(s));
  }
  std::sort(found.begin(), found.end(), [](const stranger& a, const stranger& b) { return a.name < b.name; });
  CHECK(!found.empty());
  return found;
}

}  // namespace quipu::test

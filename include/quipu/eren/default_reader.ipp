// What default_reader.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <quipu/eren/default_reader.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::eren::detail {

QUIPU_INLINE std::optional<reader_folder> find_reader(const std::filesystem::path& folder, const std::string& family,
                                                      const io::model_config& c) {
  std::vector<std::filesystem::path> all;
  std::error_code ignored;  // a folder that is not there has none
  if (std::filesystem::exists(folder / reader_gate_file, ignored)) {
    all.push_back(folder);
  } else {
    for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
      if (std::filesystem::exists(entry->path() / reader_gate_file, ignored)) all.push_back(entry->path());
    }
    std::sort(all.begin(), all.end());
  }
  for (const std::filesystem::path& one : all) {
    if (gate_keys_of((one / reader_gate_file).string()).model != family) continue;
    return reader_folder{one, pet::peft_folder(one).module<pet::lora, float>(c)};
  }
  return {};
}

QUIPU_INLINE gate_model load_reader_gate(const std::filesystem::path& folder, const std::string& family,
                                         const std::string& identity) {
  const std::string path = (folder / reader_gate_file).string();
  return load_gate(path, {family, gate_keys_of(path).tokenizer, identity});
}

}  // namespace quipu::eren::detail

// What training_checkpoint.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/train/training_checkpoint.hpp>

namespace quipu::train {

namespace detail {

QUIPU_INLINE void compare_settings(const std::string& path, const std::map<std::string, std::string, std::less<>>& ours,
                                   const std::map<std::string, std::string, std::less<>>& metadata) {
  std::string others;
  const auto differs = [&](std::string_view name, const std::string& saved, const std::string& here) {
    others += concat(others.empty() ? "" : "; ", name, " ", saved, ", here ", here);
  };
  for (const auto& [key, value] : ours) {
    const auto saved = metadata.find(concat(setting_prefix, key));
    if (saved == metadata.end()) differs(key, "not set", printable(value));
    else if (saved->second != value) differs(key, printable(saved->second), printable(value));
  }
  for (const auto& [key, value] : metadata) {  // what the saved run had besides
    if (is_other(key, setting_prefix, ours))
      differs(printable(key.substr(setting_prefix.size())), printable(value), "not set");
  }
  if (!others.empty()) fail<config_error>(path, "a run of the same settings", others);
}

}  // namespace detail


}  // namespace quipu::train

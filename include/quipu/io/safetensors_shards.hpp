/// @file Safetensors weights of a folder: one file, or shards with an index.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/safetensors.hpp>

namespace quipu::io {

/// Tensors of all shards and the mappings that they point into.
struct safetensors_weights {
  std::map<std::string, tensor_view, std::less<>> tensors;
  std::vector<std::shared_ptr<const mapped_file>> files;
};

/// Tensor name to shard file, from the text of a `model.safetensors.index.json`.
/// @throws format_error  not of that form, or a shard named by anything but a file beside the index
[[nodiscard]] inline std::map<std::string, std::string> parse_safetensors_index(
    std::string_view json, const std::string& place) {
  const nlohmann::json document = parse_json(json, place);
  const auto map = document.is_object() ? document.find("weight_map") : document.end();
  if (map == document.end() || !map->is_object()) {
    fail<format_error>(concat(place, ": weight_map"), "a JSON object", "something else");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, file] : map->items()) {
    const bool text = file.is_string();
    const std::string shard = text ? file.get<std::string>() : std::string();
    // No separators: an index must not reach files outside its own folder.
    if (shard.empty() || shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos ||
        shard == "." || shard == "..") {
      fail<format_error>(concat(place, ": weight_map: ", printable(name)), "a file in the same folder",
                         text ? printable(shard) : std::string(file.type_name()));
    }
    shards.emplace(name, shard);
  }
  return shards;
}

/// Maps the weights of a folder: `model.safetensors`, else the shards of `model.safetensors.index.json`.
/// @throws io_error      neither is there, or a shard is missing
/// @throws format_error  a file is damaged, or index and shards disagree
[[nodiscard]] inline safetensors_weights open_safetensors_folder(const std::filesystem::path& folder,
                                                                 file_access how = file_access::map) {
  safetensors_weights weights;
  if (std::filesystem::exists(folder / "model.safetensors")) {
    const safetensors_file file((folder / "model.safetensors").string(), how);
    weights.tensors = file.tensors();
    weights.files.push_back(file.file());
    return weights;
  }
  const std::filesystem::path index_path = folder / "model.safetensors.index.json";
  if (!std::filesystem::exists(index_path)) {
    fail<io_error>(folder.string(), "model.safetensors or model.safetensors.index.json", "neither");
  }
  const mapped_file index(index_path.string());
  const auto shard_of = parse_safetensors_index(index.text(), index.path());
  std::map<std::string, safetensors_file> shards;
  for (const auto& [name, shard] : shard_of) {
    auto found = shards.find(shard);
    if (found == shards.end()) {
      found = shards.emplace(shard, safetensors_file((folder / shard).string(), how)).first;
      weights.files.push_back(found->second.file());
    }
    weights.tensors.emplace(name, found->second.at(name));
  }
  for (const auto& [shard, file] : shards) {
    for (const auto& [name, tensor] : file.tensors()) {
      const auto home = shard_of.find(name);
      if (home == shard_of.end() || home->second != shard) {
        fail<format_error>(concat(file.path(), ": ", printable(name)), "a tensor that the index places here",
                           home == shard_of.end() ? "one that it does not name"
                                                  : "one that it places elsewhere");
      }
    }
  }
  return weights;
}

}  // namespace quipu::io

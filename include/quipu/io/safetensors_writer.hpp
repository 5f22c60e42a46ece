/// @file Writer of the safetensors format.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/core/printable.hpp>

namespace quipu::io {

/// Writes tensors and metadata as one safetensors file, atomically.
///
/// Tensors with larger elements come first and the data begins at a multiple of 8, so that every tensor
/// is aligned to its elements in a mapped file.
/// @param metadata  the header's `__metadata__`; left out if empty
/// @throws config_error  a block type (the format has none), bytes that do not fit the shape, or a name
///                       that is not UTF-8
/// @throws io_error      the file cannot be written
inline void write_safetensors(const std::string& path,
                              const std::map<std::string, tensor_view, std::less<>>& tensors,
                              const std::map<std::string, std::string, std::less<>>& metadata = {}) {
  std::vector<std::pair<const std::string*, const tensor_view*>> order;
  for (const auto& [name, tensor] : tensors) {
    const std::string place = concat("write_safetensors: ", printable(name));
    if (is_quantised(tensor.type)) fail<config_error>(place, "a plain type", name_of(tensor.type));
    if (name == "__metadata__") fail<config_error>(place, "a tensor name", "the name of the metadata");
    if (tensor.bytes.size() != tensor.n_element() * block_of(tensor.type).bytes) {
      fail<config_error>(place, concat(tensor.n_element() * block_of(tensor.type).bytes, " bytes"),
                         tensor.bytes.size());
    }
    order.emplace_back(&name, &tensor);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return block_of(a.second->type).bytes > block_of(b.second->type).bytes;
  });

  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (!metadata.empty()) document["__metadata__"] = metadata;
  std::size_t begin = 0;
  for (const auto& [name, tensor] : order) {
    const std::size_t end = begin + tensor->bytes.size();
    document[*name] = {{"dtype", std::string(name_of(tensor->type))},
                       {"shape", tensor->shape},
                       {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string header;
  try {
    header = document.dump();
  } catch (const nlohmann::json::exception& problem) {
    fail<config_error>("write_safetensors: names and metadata", "UTF-8", printable(problem.what()));
  }
  header.resize((header.size() + 7) / 8 * 8, ' ');

  atomic_file file(path);
  file.value(static_cast<std::uint64_t>(header.size()));
  file.write(header);
  for (const auto& [name, tensor] : order) file.write(tensor->bytes);
  file.commit();
}

}  // namespace quipu::io

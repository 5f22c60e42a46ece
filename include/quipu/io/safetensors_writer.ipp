// What safetensors_writer.hpp declares.
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
#include <quipu/core/printable.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/safetensors_writer.hpp>

namespace quipu::io {

QUIPU_INLINE void write_safetensors_file(const std::string& path, std::vector<safetensors_output> tensors,
                                         const std::map<std::string, std::string, std::less<>>& metadata,
                                         const progress_callback& progress) {
  const auto place = [](const safetensors_output& tensor) {
    return concat("write_safetensors: ", printable(tensor.name));
  };
  for (const safetensors_output& tensor : tensors) {
    if (is_quantised(tensor.type)) fail<config_error>(place(tensor), "a plain type", name_of(tensor.type));
    if (tensor.name == "__metadata__") fail<config_error>(place(tensor), "a tensor name", "the name of the metadata");
  }
  std::stable_sort(tensors.begin(), tensors.end(), [](const safetensors_output& a, const safetensors_output& b) {
    return block_of(a.type).bytes > block_of(b.type).bytes;
  });

  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (!metadata.empty()) document["__metadata__"] = metadata;
  std::vector<std::size_t> sizes;
  std::size_t begin = 0;
  for (const safetensors_output& tensor : tensors) {
    sizes.push_back(checked_bytes(tensor.type, tensor.shape, tensor.name));
    const std::size_t end = begin + sizes.back();
    document[tensor.name] = {
        {"dtype", std::string(name_of(tensor.type))}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
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
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t before = file.size();
    tensors[i].write(file);
    if (file.size() - before != sizes[i]) {
      fail<config_error>(place(tensors[i]), concat(sizes[i], " bytes"), file.size() - before);
    }
    if (!report_progress(progress, {"writing", i + 1, tensors.size()})) {
      throw cancelled(concat(path, ": writing was cancelled"));
    }
  }
  file.commit();
}

QUIPU_INLINE void write_safetensors(const std::string& path,
                                    const std::map<std::string, tensor_view, std::less<>>& tensors,
                                    const std::map<std::string, std::string, std::less<>>& metadata) {
  std::vector<safetensors_output> list;
  for (const auto& [name, tensor] : tensors) {
    list.push_back({name, tensor.type, tensor.shape, [bytes = tensor.bytes](atomic_file& to) { to.write(bytes); }});
  }
  write_safetensors_file(path, std::move(list), metadata);
}

}  // namespace quipu::io

// What lora_gguf.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/checked_size.hpp>  // show_shape
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_names.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/lora_gguf.hpp>

namespace quipu::pet {

namespace detail {

QUIPU_INLINE lora lora_policy_of(const io::gguf_contents& file, const io::model_config& c) {
  const std::string& path = file.metadata.place();
  const auto expect = [&](const char* key, const char* wanted) {
    const std::string found = file.metadata.text_or(key, "");
    if (found != wanted) fail<format_error>(file.metadata.at(key), wanted, printable(found));
  };
  expect("general.type", "adapter");
  expect("general.architecture", "llama");
  expect("adapter.type", "lora");
  if (file.metadata.has("adapter.alora.invocation_tokens")) {
    fail<format_error>(file.metadata.at("adapter.alora.invocation_tokens"), "a plain LoRA adapter", "an activated one");
  }
  const auto check_shape = [&](const std::string& name, std::size_t rows, std::size_t cols,
                               const io::tensor_view& found) {
    const std::vector<std::size_t> wanted = {rows, cols};
    if (found.shape == wanted && rows > 0) return;
    fail<format_error>(concat(path, ": tensor ", name), concat("shape ", io::show_shape(wanted)),
                       io::show_shape(found.shape));
  };
  lora policy;
  policy.alpha = file.metadata.number_or("adapter.lora.alpha", 0);
  std::vector<std::string> names;
  std::set<std::string> used;
  const auto projections = io::projections_of(c);
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const io::layer_projection& p : projections) {
      const std::string name = io::layer_name(layer, p.part), stem = io::gguf_name_of_hf(name + ".weight").value();
      const auto a = file.tensors.find(stem + ".lora_a"), b = file.tensors.find(stem + ".lora_b");
      if ((a == file.tensors.end()) != (b == file.tensors.end())) {
        fail<format_error>(concat(path, ": tensor ", stem), "both lora_a and lora_b", "one of them");
      }
      if (a == file.tensors.end()) continue;
      const std::size_t rank = a->second.shape.empty() ? 0 : a->second.shape[0];
      check_shape(a->first, rank, p.cols, a->second);
      check_shape(b->first, p.rows, rank, b->second);
      if (names.empty()) policy.rank = rank;
      names.push_back(name);
      if (rank != policy.rank) policy.rank_pattern.push_back({exact_pattern(name), static_cast<double>(rank)});
      used.insert({a->first, b->first});
    }
  }
  for (const auto& entry : file.tensors) {
    if (used.count(entry.first) == 0)
      fail<format_error>(path, "LoRA tensors of this model's linear layers alone", printable(entry.first));
  }
  if (names.empty()) fail<format_error>(path, "LoRA tensors", "none");
  policy.targets = optim::name_pattern::suffixes(std::move(names));
  if (policy.alpha == 0) {  // llama.cpp takes that for "no scaling"
    policy.alpha = static_cast<double>(policy.rank);
    policy.alpha_pattern = policy.rank_pattern;
  }
  return policy;
}

}  // namespace detail

#if defined(QUIPU_COMPILED)
template void write_lora_gguf<float>(const std::string&, const lora::module<float>&, const io::model_config&);
template lora::module<float> lora_of_gguf<float>(const io::gguf_contents&, const io::model_config&);
#endif

}  // namespace quipu::pet

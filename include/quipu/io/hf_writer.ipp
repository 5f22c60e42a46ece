// What hf_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>
#include <quipu/io/hf_config_text.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/llama3_factors.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

QUIPU_INLINE void write_hf_folder(const std::filesystem::path& folder, const checkpoint& source,
                                  const hf_options& options) {
  constexpr std::string_view obsolete[] = {"model.safetensors.index.json"};  // of shards that were there before
  atomic_folder both(folder);
  write_hf_files(both.path(), source, options);
  both.commit("config.json", obsolete);
}

QUIPU_INLINE void write_hf_files(const std::filesystem::path& folder, const checkpoint& source,
                                 const hf_options& options) {
  checkpoint checked = source;  // shares the bytes
  validate(checked);
  state_llama3_scaling(checked.config);
  std::vector<safetensors_output> tensors;
  tensor_type stated = tensor_type::f32;
  for (const auto& [name, tensor] : checked.tensors) {
    const tensor_type type = options.type.value_or(is_quantised(tensor.type) ? tensor_type::f32 : tensor.type);
    if (is_quantised(type) || !is_weight_type(type)) {
      fail<config_error>("write_hf_folder: type", "F64, F32, F16 or BF16", name_of(type));
    }
    if (name == embedding_name) stated = type;
    const bool as_it_is = type == tensor.type && (checked.rope == rope_layout::halves || !has_rope_rows(name));
    tensors.push_back(
        {name, type, tensor.shape, [&checked, &name = name, &tensor = tensor, type, as_it_is](atomic_file& to) {
           if (as_it_is) {
             to.write(tensor.bytes);
           } else {
             to.write(export_tensor(checked, name, type, rope_layout::halves));
           }
         }});
  }
  for (const auto& [name, tensor] : checked.further) {
    tensors.push_back(
        {name, tensor.type, tensor.shape, [&tensor = tensor](atomic_file& to) { to.write(tensor.bytes); }});
  }
  const std::string config = hf_config_text(checked.config, stated, checked.metadata);
  write_safetensors_file((folder / "model.safetensors").string(), std::move(tensors), {{"format", "pt"}},
                         options.progress);
  write_text((folder / "config.json").string(), config);
}

}  // namespace quipu::io

/// @file Writer of Hugging Face folders.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>
#include <quipu/io/hf_config_text.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

struct hf_options {
  /// F64, F32, F16 or BF16 for all tensors; empty keeps these types and widens blocks to F32.
  std::optional<tensor_type> type;
};

/// Writes `config.json` and `model.safetensors` so that transformers and quipu read the folder.
///
/// The folder is made if it is not there; the weights are replaced before the config, each atomically.
/// Tokenizer files are not written: copy those of the model that the checkpoint came from.
/// @param source  tensors under Hugging Face's names, in either rope layout
/// @throws config_error  a type that the format has not, or rotary factors that config.json cannot state
/// @throws format_error  the checkpoint is not complete
/// @throws io_error      the folder cannot be written
inline void write_hf_folder(const std::filesystem::path& folder, const checkpoint& source,
                            const hf_options& options = {}) {
  checkpoint checked = source;  // shares the bytes
  validate(checked);
  std::map<std::string, tensor_view, std::less<>> tensors;
  std::vector<std::vector<std::byte>> converted;  // owns the bytes of `tensors` that are not the source's
  tensor_type stated = tensor_type::f32;
  for (const auto& [name, tensor] : checked.tensors) {
    const tensor_type type =
        options.type.value_or(is_quantised(tensor.type) ? tensor_type::f32 : tensor.type);
    if (is_quantised(type) || !is_weight_type(type)) {
      fail<config_error>("write_hf_folder: type", "F64, F32, F16 or BF16", name_of(type));
    }
    if (name == embedding_name) stated = type;
    tensor_view written{type, tensor.shape, tensor.bytes};
    if (type != tensor.type || (checked.rope != rope_layout::halves && has_rope_rows(name))) {
      converted.push_back(export_tensor(checked, name, type, rope_layout::halves));
      written.bytes = converted.back();
    }
    tensors.emplace(name, std::move(written));
  }
  tensors.insert(checked.further.begin(), checked.further.end());
  const std::string config = hf_config_text(checked.config, stated, checked.metadata);
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble) throw io_error(concat(folder.string(), ": cannot make the folder (", trouble.message(), ")"));
  write_safetensors((folder / "model.safetensors").string(), tensors, {{"format", "pt"}});
  atomic_file config_file((folder / "config.json").string());
  config_file.write(config);
  config_file.commit();
}

}  // namespace quipu::io

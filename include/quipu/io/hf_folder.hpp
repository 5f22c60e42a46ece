/// @file Reader of Hugging Face folders: `config.json` and safetensors weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/hf_config.hpp>
#include <quipu/io/safetensors_shards.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

/// Opens a folder with `config.json` and `model.safetensors` (or shards with an index).
/// @throws io_error      a file is missing or cannot be mapped
/// @throws format_error  a file is damaged, or the model is not a LLaMA that we know
[[nodiscard]] inline checkpoint open_hf_folder(const std::filesystem::path& folder) {
  const mapped_file config((folder / "config.json").string());
  checkpoint opened;
  opened.path = folder.string();
  opened.format = "safetensors";
  opened.config = parse_hf_config(config.text(), config.path());
  opened.rope = rope_layout::halves;
  safetensors_weights weights = open_safetensors_folder(folder);
  opened.tensors = std::move(weights.tensors);
  opened.files = std::move(weights.files);
  validate(opened);
  return opened;
}

}  // namespace quipu::io

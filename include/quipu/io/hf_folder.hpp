/// @file Reader of Hugging Face folders: `config.json` and safetensors weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// Opens a folder with `config.json` and `model.safetensors` (or shards with an index), the further end tokens of
/// `generation_config.json`, and the tokenizer in it if there is one (see `text::read_tokenizer_folder`).
/// @throws io_error      a file is missing or cannot be mapped
/// @throws format_error  a file is damaged, or the model is not a LLaMA that we know
[[nodiscard]] checkpoint open_hf_folder(const std::filesystem::path& folder, file_access how = file_access::map);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/hf_folder.ipp>
#endif

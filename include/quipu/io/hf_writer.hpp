/// @file Writer of Hugging Face folders.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

struct hf_options {
  /// F64, F32, F16 or BF16 for all tensors; empty keeps these types and widens blocks to F32.
  std::optional<tensor_type> type;
  progress_callback progress{};  ///< called after every tensor; returning false stops with `cancelled`
};

/// Writes `config.json` and `model.safetensors` so that transformers and quipu read the folder.
///
/// The folder is made if it is not there; weights and config appear as one (`atomic_folder`). One tensor is in memory at
/// a time. Tokenizer files are not written, see `write_tokenizer_files`.
/// @param source  tensors under Hugging Face's names, in either rope layout
/// @throws config_error  a type that the format has not, or rotary factors that config.json cannot state
/// @throws format_error  the checkpoint is not complete
/// @throws io_error      the folder cannot be written
void write_hf_folder(const std::filesystem::path& folder, const checkpoint& source, const hf_options& options = {});

/// Writes the same two files into a folder that is there, one after the other: for an `atomic_folder` that more is
/// written into. @throws as `write_hf_folder`
void write_hf_files(const std::filesystem::path& folder, const checkpoint& source, const hf_options& options = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/hf_writer.ipp>
#endif

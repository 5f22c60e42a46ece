/// @file Writer of llama2.c's float files, versions 0 and 1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

enum class llama2c_version : std::uint8_t { v0 = 0, v1 = 1 };

/// Writes a model so that llama2.c's run.c (version 0) or its exporters' newer readers (version 1) load it,
/// atomically. The vocabulary is a file of its own there, see `text::llama2c_tokenizer_text`.
///
/// @param source  tensors under Hugging Face's names, of any type, in either rope layout
/// @param progress  called after every kind of tensor; returning false stops with `cancelled`
/// @throws config_error  run.c assumes other constants (theta 10000, eps 1e-5, SiLU, no biases) or shapes
/// @throws format_error  the checkpoint is not complete
/// @throws io_error      the file cannot be written
void write_llama2c(const std::string& path, const checkpoint& source, llama2c_version version,
                   const progress_callback& progress = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/llama2c_writer.ipp>
#endif

/// @file Opens a checkpoint of any format that quipu reads, recognised by its content.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// Opens a Hugging Face folder, a GGUF file (the first, if it is split) or a llama2.c file.
/// @param how  `file_access::read` for files that others may truncate: weights are read into memory, not mapped
/// @throws io_error      the path does not exist or cannot be read
/// @throws format_error  it is none of these, is damaged, or holds a model that is not a LLaMA we know
[[nodiscard]] checkpoint open_checkpoint(const std::string& path, file_access how = file_access::map);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/open_checkpoint.ipp>
#endif

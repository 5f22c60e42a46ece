/// @file Reader of GGUF checkpoints, whole or split over several files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/gguf_file.hpp>

namespace quipu::io {

/// Puts a checkpoint together from the parsed parts of a model, the first of which has its metadata.
/// @throws format_error  not a complete LLaMA that we know
[[nodiscard]] checkpoint checkpoint_of_gguf(const std::vector<gguf_contents>& parts, const std::string& path);

/// The name of part `part` (from 0) of a split model, from the name of its first part.
/// Source: llama.cpp, `llama_split_path`: "NAME-00001-of-00003.gguf".
/// @throws format_error  `first` is not named so
[[nodiscard]] std::string gguf_split_path(const std::string& first, std::size_t part, std::size_t count);

/// Opens a GGUF model; of a split one the first file, the others are found by their names.
/// @throws io_error      a file is missing or cannot be mapped
/// @throws format_error  a file is damaged, or the model is not a LLaMA that we know
[[nodiscard]] checkpoint open_gguf(const std::string& path, file_access how = file_access::map);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf.ipp>
#endif

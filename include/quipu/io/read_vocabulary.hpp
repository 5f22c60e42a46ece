/// @file Reads a vocabulary from any file that has one, for checkpoints that come without.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

/// The vocabulary in a Hugging Face folder, a GGUF file, a tokenizer.json, a SentencePiece model or a llama2.c
/// tokenizer.bin, recognised by content.
/// @param n_vocab  tokens that the model has, or 0: a tokenizer.bin does not say, and is then read to its end
/// @throws io_error, format_error  the file cannot be read or is damaged
[[nodiscard]] text::vocabulary read_vocabulary(const std::string& path, std::size_t n_vocab = 0);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/read_vocabulary.ipp>
#endif

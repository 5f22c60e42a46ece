/// @file Writes the tokenizer.bin of llama2.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// The bytes of a tokenizer.bin: length of the longest token, then score, length and bytes of every token, as run.c
/// expects them: U+2581 written as a space, bos and eos between line feeds. Chat template and end tokens besides eos
/// have no place in it.
/// @throws config_error  a vocabulary that the format cannot state: byte-level BPE; unk, bos and eos that are not 0, 1
///                       and 2; other special tokens; no space before a text
[[nodiscard]] std::string llama2c_tokenizer_text(const vocabulary& source);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/llama2c_tokenizer_writer.ipp>
#endif

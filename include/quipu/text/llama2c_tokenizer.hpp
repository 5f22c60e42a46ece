/// @file Reads the tokenizer.bin of llama2.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error, io_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// Parses the bytes of a tokenizer.bin: the length of the longest token, then score, length and
/// bytes of every token, all little-endian.
///
/// The format was exported from a tokenizer.model with U+2581 written as a space and line feeds
/// around bos and eos; both are undone, so that the vocabulary equals the model's. unk, bos and eos
/// are 0, 1, 2.
/// @param n_vocab  number of tokens; the file does not say it, the model does. 0: all that the file holds
/// @param place    name of the file, for the errors
/// @throws format_error  the bytes do not hold exactly `n_vocab` tokens, or fewer than 3
[[nodiscard]] vocabulary parse_llama2c_tokenizer(std::string_view bytes, std::size_t n_vocab, const std::string& place);

/// Reads a tokenizer.bin with `n_vocab` tokens.
/// @throws io_error      the file cannot be read
/// @throws format_error  see `parse_llama2c_tokenizer`
[[nodiscard]] vocabulary read_llama2c_tokenizer(const std::string& path, std::size_t n_vocab);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/llama2c_tokenizer.ipp>
#endif

/// @file Writes tokenizer.json and tokenizer_config.json of a vocabulary, for Hugging Face's libraries and our reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// The tokenizer.json of a vocabulary: with it transformers, tokenizers and `parse_tokenizer_json` give the ids that
/// the library's tokenizer of `source` gives, special tokens being found in texts as with `special::parse`.
///
/// Scores of a SentencePiece vocabulary become the order of merges. Three things have no form in the file: pieces of
/// equal score, of which SentencePiece joins the leftmost; unused pieces, which it joins and takes apart again; and
/// user-defined pieces with a space in them, which it also finds at the beginning of a text and joins from others.
/// @throws config_error  no vocabulary, a pre-tokenizer that the library does not know, or texts that are not UTF-8
/// @throws format_error  the vocabulary contradicts itself
[[nodiscard]] std::string tokenizer_json_text(const vocabulary& source);

/// The tokenizer_config.json beside it: names of the special tokens, what is added around a text, the chat template.
/// @throws config_error, format_error  as `tokenizer_json_text`
[[nodiscard]] std::string tokenizer_config_text(const vocabulary& source);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/tokenizer_json_writer.ipp>
#endif

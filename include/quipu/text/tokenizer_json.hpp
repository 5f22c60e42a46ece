/// @file Reads tokenizer.json, the format of Hugging Face's tokenizers library, if it holds a
/// BPE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error, io_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// Parses the text of a tokenizer.json.
///
/// Byte-level models give `byte_level_bpe`, with the name of their pre-tokenizer if GGUF has one; models over
/// characters whose blanks are U+2581 (Llama 2) give `sentencepiece` with `ranked_merges`, and as scores, for files that know no
/// ranks, minus the rank of the merge that makes a piece. Added tokens, normalizers and pre-tokenizers are what
/// `tokenizer_json_steps` lists. bos and eos are known as far as the post-processor adds them;
/// tokenizer_config.json says the rest. `truncation` and `padding`, which programs set at every call, are warnings.
/// @param place  name of the file, for the errors
/// @throws format_error  no such file, or keys, types and values that the library does not have, each by its name
[[nodiscard]] vocabulary parse_tokenizer_json(std::string_view text, const std::string& place);

/// Reads a tokenizer.json.
/// @throws io_error      the file cannot be read
/// @throws format_error  see `parse_tokenizer_json`
[[nodiscard]] vocabulary read_tokenizer_json(const std::string& path);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/tokenizer_json.ipp>
#endif

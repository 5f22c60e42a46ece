/// @file Reads the tokenizer of a Hugging Face folder from the several files that describe it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error, io_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// Completes `target` by the text of a tokenizer_config.json: special tokens, what is added around
/// a text, the chat template. Fields that it lacks stay as they are; tokens that the vocabulary
/// lacks count as none.
/// @throws format_error  no JSON object, or a field of the wrong type
void apply_tokenizer_config(vocabulary& target, std::string_view text, const std::string& place);

/// Reads tokenizer.json, or if there is none tokenizer.model, and completes it by
/// tokenizer_config.json and chat_template.jinja. A folder with neither gives a vocabulary of kind
/// `none`.
/// @throws io_error      a file is there and cannot be read
/// @throws format_error  a file is not what its name says, or needs parts that the library does not
/// have
[[nodiscard]] vocabulary read_tokenizer_folder(const std::string& folder);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/tokenizer_folder.ipp>
#endif

/// @file The tokenizer of a Hugging Face folder that is written: copied from where it came from, or made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// The files of a Hugging Face folder that say how text becomes tokens and when a text ends.
inline constexpr std::array<std::string_view, 10> tokenizer_file_names = {
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json",     "merges.txt",      "chat_template.jinja",   "chat_template.json",      "generation_config.json"};

/// The generation_config.json of a model: the tokens that begin and end its texts, which transformers looks for there.
[[nodiscard]] std::string generation_config_text(const checkpoint& source);

/// Writes the tokenizer's files of a checkpoint into a folder, so that every program and transformers open it with its
/// tokenizer. What `origin` has of them is copied as it is; the rest is made from the vocabulary. Other files of these
/// names that lie in the folder are removed.
///
/// @param origin  where the vocabulary comes from: a Hugging Face folder, its tokenizer.json or tokenizer.model, or any
///                other file, of which nothing is copied
/// @return whether the folder has a tokenizer now; not if neither `origin` nor `source` has one
/// @throws io_error                    a file cannot be read or written
/// @throws config_error, format_error  see `text::tokenizer_json_text`
bool write_tokenizer_files(const std::filesystem::path& folder, const checkpoint& source,
                           const std::filesystem::path& origin);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/tokenizer_files.ipp>
#endif

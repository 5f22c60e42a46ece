/// @file The tokenizer of a Hugging Face folder that is written: copied from where it came from, or made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/text/tokenizer_json_writer.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

/// The files of a Hugging Face folder that say how text becomes tokens and when a text ends.
inline constexpr std::array<std::string_view, 10> tokenizer_file_names = {
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json",     "merges.txt",      "chat_template.jinja",   "chat_template.json",      "generation_config.json"};

/// The generation_config.json of a model: the tokens that begin and end its texts, which transformers looks for there.
[[nodiscard]] inline std::string generation_config_text(const checkpoint& source) {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  const model_config& c = source.config;
  if (c.bos != no_token) document["bos_token_id"] = c.bos;
  if (c.end_tokens.size() > 1) {
    document["eos_token_id"] = c.end_tokens;
  } else if (c.eos != no_token) {
    document["eos_token_id"] = c.eos;
  }
  if (source.vocabulary.pad != no_token) document["pad_token_id"] = source.vocabulary.pad;
  return document.dump(2) + "\n";
}

/// Writes the tokenizer's files of a checkpoint into a folder, so that every program and transformers open it with its
/// tokenizer. What `origin` has of them is copied as it is; the rest is made from the vocabulary. Other files of these
/// names that lie in the folder are removed.
///
/// @param origin  where the vocabulary comes from: a Hugging Face folder, its tokenizer.json or tokenizer.model, or any
///                other file, of which nothing is copied
/// @return whether the folder has a tokenizer now; not if neither `origin` nor `source` has one
/// @throws io_error                    a file cannot be read or written
/// @throws config_error, format_error  see `text::tokenizer_json_text`
inline bool write_tokenizer_files(const std::filesystem::path& folder, const checkpoint& source,
                                  const std::filesystem::path& origin) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  const auto in = [&](std::string_view name) { return fs::exists(folder / name, trouble); };
  const auto copy = [&](const fs::path& from, std::string_view name) {
    if (fs::equivalent(from, folder / name, trouble)) return;
    const mapped_file file(from.string());
    write_text((folder / name).string(), file.text());
  };
  const bool from_folder = fs::is_directory(origin, trouble);
  const auto is_copied = [&](std::string_view name) {
    if (from_folder) return fs::exists(origin / name, trouble);
    return (name == "tokenizer.json" || name == "tokenizer.model") && origin.filename() == name;
  };
  for (const std::string_view name : tokenizer_file_names) {
    if (is_copied(name)) {
      copy(from_folder ? origin / name : origin, name);
    } else {
      fs::remove(folder / name, trouble);
    }
  }
  if (!in("generation_config.json")) {
    write_text((folder / "generation_config.json").string(), generation_config_text(source));
  }
  const bool complete = from_folder && (in("tokenizer.json") || in("tokenizer.model"));
  if (complete || source.vocabulary.kind == text::tokenizer_kind::none) return complete;
  if (!in("tokenizer.json")) {
    write_text((folder / "tokenizer.json").string(), text::tokenizer_json_text(source.vocabulary));
  }
  if (!in("tokenizer_config.json")) {
    write_text((folder / "tokenizer_config.json").string(), text::tokenizer_config_text(source.vocabulary));
  }
  return true;
}

}  // namespace quipu::io

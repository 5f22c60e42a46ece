// What tokenizer_files.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/tokenizer_files.hpp>
#include <quipu/text/tokenizer_json_writer.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

QUIPU_INLINE std::string generation_config_text(const checkpoint& source) {
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

QUIPU_INLINE bool write_tokenizer_files(const std::filesystem::path& folder, const checkpoint& source,
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

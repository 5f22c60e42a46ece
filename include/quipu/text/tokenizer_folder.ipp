// What tokenizer_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/json_text.hpp>  // parse_json
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/tokenizer_folder.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

QUIPU_INLINE void apply_tokenizer_config(vocabulary& target, std::string_view text, const std::string& place) {
  const nlohmann::json root = parse_json(text, place);
  if (!root.is_object()) fail<format_error>(place, "an object", root.type_name());

  const auto present = [&](const char* name) {
    return root.contains(name) && !root[name].is_null();
  };
  const auto string_at = [&](const nlohmann::json& value, const char* name) {
    if (!value.is_string())
      fail<format_error>(concat(place, ": ", name), "a string", value.type_name());
    return value.get<std::string>();
  };
  const auto token = [&](const char* name, token_id& id) {
    if (!present(name)) return;
    const nlohmann::json& value = root[name];
    const bool wrapped = value.is_object() && value.contains("content");
    const std::string content = string_at(wrapped ? value["content"] : value, name);
    for (std::size_t i = 0; i < target.tokens.size(); ++i) {
      if (target.tokens[i] == content) id = static_cast<token_id>(i);
    }
  };
  const auto flag = [&](const char* name, bool& value) {
    if (!present(name)) return;
    if (!root[name].is_boolean())
      fail<format_error>(concat(place, ": ", name), "true or false", root[name].type_name());
    value = root[name].get<bool>();
  };
  token("bos_token", target.bos);
  token("eos_token", target.eos);
  token("unk_token", target.unk);
  token("pad_token", target.pad);
  flag("add_bos_token", target.add_bos);
  flag("add_eos_token", target.add_eos);
  if (!present("chat_template")) return;
  const nlohmann::json& chat = root["chat_template"];
  if (!chat.is_array()) {
    target.chat_template = string_at(chat, "chat_template");
    return;
  }
  for (const nlohmann::json& one : chat) {  // several templates, by name
    if (!one.is_object() || !one.contains("name") || !one.contains("template")) {
      fail<format_error>(concat(place, ": chat_template"), "objects with name and template",
                         one.type_name());
    }
    if (one["name"] == "default")
      target.chat_template = string_at(one["template"], "chat_template.template");
  }
}

QUIPU_INLINE vocabulary read_tokenizer_folder(const std::string& folder) {
  const std::filesystem::path root(folder);
  const auto path_of = [&](const char* name) { return (root / name).string(); };
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(root / name, ignored);
  };
  vocabulary result;
  if (has("tokenizer.json")) {
    result = read_tokenizer_json(path_of("tokenizer.json"));
  } else if (has("tokenizer.model")) {
    result = read_sentencepiece_model(path_of("tokenizer.model"));
  } else {
    return result;
  }
  if (has("tokenizer_config.json")) {
    const mapped_file file(path_of("tokenizer_config.json"));
    apply_tokenizer_config(result, file.text(), file.path());
  }
  if (has("chat_template.jinja"))
    result.chat_template = mapped_file(path_of("chat_template.jinja")).text();
  return result;
}

}  // namespace quipu::text

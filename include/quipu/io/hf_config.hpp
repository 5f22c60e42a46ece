/// @file Hugging Face's `config.json` of a LLaMA, read. hf_config_text.hpp writes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/checkpoint.hpp>  // further_prefix
#include <quipu/io/json_fields.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/validate.hpp>  // validate_config

namespace quipu::io {

namespace detail {

/// "llama", and what has the same tensors with another activation: "sparsellama" of the published ProSparse models, "bamboo" of
/// TurboSparse and Bamboo.
inline void check_hf_architecture(const json_fields& fields) {
  const std::string type = fields.text_or("model_type", "llama");
  if (type != "llama" && type != "sparsellama" && type != "bamboo") {
    fail<format_error>(fields.at("model_type"), "llama", printable(type));
  }
  if (const nlohmann::json* names = fields.find("architectures")) {
    for (const nlohmann::json& name : *names) {
      if (!name.is_string() || (name != "LlamaForCausalLM" && name != "SparseLlamaForCausalLM" &&
                                name != "BambooForCausalLM" && name != "LlamaModel")) {
        fail<format_error>(fields.at("architectures"), "LlamaForCausalLM",
                           name.is_string() ? printable(name.get_ref<const std::string&>())
                                            : std::string(name.type_name()));
      }
    }
  }
  for (const char* experts : {"num_local_experts", "num_experts", "n_routed_experts"}) {
    if (fields.find(experts) != nullptr) {
      fail<format_error>(fields.at(experts), "a dense LLaMA", "a mixture of experts");
    }
  }
  if (fields.find("quantization_config") != nullptr) {
    fail<format_error>(fields.at("quantization_config"), "unquantised weights (or a GGUF file)",
                       "a quantised Hugging Face checkpoint");
  }
  if (fields.number_or("partial_rotary_factor", 1) != 1) {
    fail<format_error>(fields.at("partial_rotary_factor"), "1", "another number");
  }
}

/// Both homes of the rotary settings: `rope_scaling` beside `rope_theta`, or `rope_parameters` around both.
inline void read_hf_rope(const json_fields& fields, model_config& config) {
  config.rope_theta = fields.number_or("rope_theta", 10000);
  const char* home = fields.find("rope_parameters") != nullptr ? "rope_parameters" : "rope_scaling";
  const nlohmann::json* nested = fields.find(home);
  if (nested == nullptr) return;
  const json_fields rope(*nested, fields.at(home));
  config.rope_theta = rope.number_or("rope_theta", config.rope_theta);
  if (rope.number_or("partial_rotary_factor", 1) != 1) {
    fail<format_error>(rope.at("partial_rotary_factor"), "1", "another number");
  }
  const std::string type = rope.text_or("rope_type", rope.text_or("type", "default"));
  if (type == "default") return;
  if (type == "linear") {
    config.scaling.type = rope_scaling::kind::linear;
    config.scaling.factor = rope.number("factor");
  } else if (type == "llama3") {
    config.scaling.type = rope_scaling::kind::llama3;
    config.scaling.factor = rope.number("factor");
    config.scaling.low_freq_factor = rope.number("low_freq_factor");
    config.scaling.high_freq_factor = rope.number("high_freq_factor");
    config.scaling.original_n_ctx = rope.number("original_max_position_embeddings");
  } else {
    fail<format_error>(rope.at("rope_type"), "default, linear or llama3", printable(type));
  }
}

[[nodiscard]] inline token_id hf_token(const json_fields& fields, const char* key,
                                       const nlohmann::json& value) {
  if (!value.is_number_integer()) fields.refuse(key, "an integer or a list of integers", value);
  const auto id = value.get<std::int64_t>();
  const bool wrapped = value.is_number_unsigned() && id < 0;  // above 2^63
  if (wrapped || id < -1 || id > static_cast<std::int64_t>(largest_extent) - 1) {
    fields.refuse(key, "a token id", value);
  }
  return static_cast<token_id>(id);
}

/// The ids of a field that is an integer, a list of integers, or absent.
[[nodiscard]] inline std::vector<token_id> hf_tokens(const json_fields& fields, const char* key) {
  std::vector<token_id> ids;
  const nlohmann::json* field = fields.find(key);
  if (field == nullptr) return ids;
  if (!field->is_array()) {
    ids.push_back(hf_token(fields, key, *field));
  } else {
    for (const nlohmann::json& value : *field) ids.push_back(hf_token(fields, key, value));
  }
  std::erase(ids, no_token);
  return ids;
}

}  // namespace detail

/// Reads a `config.json`.
///
/// Absent fields get the defaults of transformers' LlamaConfig; sizes without which no LLaMA is known
/// must be there.
/// @param json   the file's text
/// @param place  its name, for messages
/// @throws format_error  no JSON, a field of the wrong type or range, or a model that is not a dense
///                       LLaMA with plain, linear or llama3 rotary embedding
[[nodiscard]] inline model_config parse_hf_config(std::string_view json, const std::string& place) {
  const nlohmann::json document = parse_json(json, place);
  const json_fields fields(document, place);
  detail::check_hf_architecture(fields);
  model_config config;
  config.d_model = fields.size("hidden_size");
  config.d_ffn = fields.size("intermediate_size");
  config.n_layer = fields.size("num_hidden_layers");
  config.n_head = fields.size("num_attention_heads");
  config.n_kv_head = fields.size_or("num_key_value_heads", config.n_head);
  config.n_vocab = fields.size("vocab_size");
  config.n_ctx = fields.size_or("max_position_embeddings", 2048);
  if (fields.find("head_dim") != nullptr) {
    config.d_head = fields.size("head_dim");
  } else if (config.d_model % config.n_head == 0) {
    config.d_head = config.d_model / config.n_head;
  } else {
    fail<format_error>(fields.at("hidden_size"), concat("a multiple of ", config.n_head, " heads"),
                       config.d_model);
  }
  config.rms_norm_eps = fields.number_or("rms_norm_eps", 1e-6);
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  config.attention_bias = fields.flag_or("attention_bias", false);
  config.mlp_bias = fields.flag_or("mlp_bias", false);
  config.hidden_act = fields.text_or("hidden_act", "silu");
  if (config.hidden_act == "swish") config.hidden_act = "silu";  // transformers' other name of it
  if (fields.text_or("model_type", "") == "bamboo") {
    // Its code has the activation on gate and up alike, and its config names the function. Attention looks back at most
    // `sliding_window` tokens: up to there it is a LLaMA's.
    if (config.hidden_act != "relu") fail<format_error>(fields.at("hidden_act"), "relu, of a bamboo model", printable(config.hidden_act));
    config.hidden_act = "drelu";
    config.n_ctx = std::min(config.n_ctx, fields.size_or("sliding_window", config.n_ctx));
  }
  if (config.hidden_act == "fatrelu" || config.hidden_act == "shifted_relu")
    config.activation_threshold = fields.number_or("hidden_act_param", 0);
  detail::read_hf_rope(fields, config);
  const std::vector<token_id> bos = detail::hf_tokens(fields, "bos_token_id");
  config.bos = bos.empty() ? no_token : bos.front();
  config.end_tokens = detail::hf_tokens(fields, "eos_token_id");
  config.eos = config.end_tokens.empty() ? no_token : config.end_tokens.front();
  config.name = fields.text_or("_name_or_path", "");
  validate_config(config, place);
  return config;
}

/// The texts of a `config.json` under keys of our own, see `further_prefix`.
/// @throws format_error  it is no JSON object
[[nodiscard]] inline std::map<std::string, std::string, std::less<>> hf_metadata(std::string_view json,
                                                                                 const std::string& place) {
  const nlohmann::json document = parse_json(json, place);
  std::map<std::string, std::string, std::less<>> metadata;
  if (!document.is_object()) fail<format_error>(place, "a JSON object", document.type_name());
  for (const auto& [key, value] : document.items()) {
    if (key.starts_with(further_prefix) && value.is_string()) metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// The tokens at which transformers ends a generated text according to a `generation_config.json`, which often names
/// more of them than `config.json` does.
/// @throws format_error  no JSON, or `eos_token_id` is neither a token id below `n_vocab` nor a list of such
[[nodiscard]] inline std::vector<token_id> hf_generation_ends(std::string_view json, const std::string& place,
                                                              std::size_t n_vocab) {
  const nlohmann::json document = parse_json(json, place);
  const json_fields fields(document, place);
  std::vector<token_id> ends = detail::hf_tokens(fields, "eos_token_id");
  for (const token_id id : ends) {
    if (static_cast<std::size_t>(id) >= n_vocab) {
      fail<format_error>(fields.at("eos_token_id"), concat("token ids below ", n_vocab), id);
    }
  }
  return ends;
}

}  // namespace quipu::io

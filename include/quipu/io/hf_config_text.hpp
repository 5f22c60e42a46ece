/// @file Hugging Face's `config.json` of a LLaMA, written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::io {

namespace detail {

/// A number that came out of a file's F32 as the short decimal that was meant: 1e-05, not 9.999999747378752e-06.
[[nodiscard]] inline double shortest_decimal(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return value;
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), narrow);
  double read = value;
  std::from_chars(text, end.ptr, read);
  return read;
}

}  // namespace detail

/// The `config.json` of a model, in the form that every transformers release since LLaMA 2 reads.
///
/// @param type  of the weights: F32, F16 or BF16 (F64 is stated as float64)
/// @throws config_error  rotary factors that came as a table: config.json cannot state them
/// @param metadata  texts under keys of our own
[[nodiscard]] inline std::string hf_config_text(
    const model_config& config, tensor_type type,
    const std::map<std::string, std::string, std::less<>>& metadata = {}) {
  using nlohmann::ordered_json;
  if (!config.rope_factors.empty()) {
    fail<config_error>("hf_config_text: rope factors", "none, or a llama3 scaling", "a table");
  }
  const auto id_or_null = [](token_id id) { return id == no_token ? ordered_json() : ordered_json(id); };
  ordered_json document;
  document["architectures"] = ordered_json::array({"LlamaForCausalLM"});
  document["model_type"] = "llama";
  document["hidden_size"] = config.d_model;
  document["intermediate_size"] = config.d_ffn;
  document["num_hidden_layers"] = config.n_layer;
  document["num_attention_heads"] = config.n_head;
  document["num_key_value_heads"] = config.n_kv_head;
  document["head_dim"] = config.d_head;
  document["vocab_size"] = config.n_vocab;
  document["max_position_embeddings"] = config.n_ctx;
  document["hidden_act"] = config.hidden_act;
  if (config.hidden_act == "fatrelu" || config.hidden_act == "shifted_relu")
    document["hidden_act_param"] = config.activation_threshold;
  document["rms_norm_eps"] = detail::shortest_decimal(config.rms_norm_eps);
  document["rope_theta"] = detail::shortest_decimal(config.rope_theta);
  ordered_json scaling;
  if (config.scaling.type == rope_scaling::kind::linear) {
    scaling = {{"rope_type", "linear"}, {"type", "linear"}, {"factor", config.scaling.factor}};
  } else if (config.scaling.type == rope_scaling::kind::llama3) {
    scaling = {{"rope_type", "llama3"},
               {"factor", config.scaling.factor},
               {"low_freq_factor", config.scaling.low_freq_factor},
               {"high_freq_factor", config.scaling.high_freq_factor},
               {"original_max_position_embeddings", static_cast<std::int64_t>(config.scaling.original_n_ctx)}};
  }
  document["rope_scaling"] = scaling;
  document["tie_word_embeddings"] = config.tied_embeddings;
  document["attention_bias"] = config.attention_bias;
  document["mlp_bias"] = config.mlp_bias;
  document["bos_token_id"] = id_or_null(config.bos);
  document["eos_token_id"] =
      config.end_tokens.size() > 1 ? ordered_json(config.end_tokens) : id_or_null(config.eos);
  switch (type) {
    case tensor_type::f64: document["torch_dtype"] = "float64"; break;
    case tensor_type::f16: document["torch_dtype"] = "float16"; break;
    case tensor_type::bf16: document["torch_dtype"] = "bfloat16"; break;
    default: document["torch_dtype"] = "float32"; break;
  }
  if (!config.name.empty()) document["_name_or_path"] = config.name;
  for (const auto& [key, value] : metadata) document[key] = value;
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace quipu::io

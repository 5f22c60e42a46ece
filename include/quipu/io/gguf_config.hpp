/// @file The architecture in a GGUF file's metadata, the keys of `llama`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/io/gguf_metadata.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/core/printable.hpp>

namespace quipu::io {

/// llama.cpp's "llama" is always SiLU, and GGUF has no key for the FFN's activation. Files with another one state it in keys of ours
/// under an architecture name of our own, which llama.cpp refuses; all other keys are those of "llama". Files of this library before
/// that name existed have the keys under "llama".
inline constexpr const char* gguf_architecture = "llama";
inline constexpr const char* gguf_own_architecture = "quipu-llama";
inline constexpr const char* gguf_hidden_act_key = "quipu.hidden_act";  ///< string, Hugging Face's name
inline constexpr const char* gguf_activation_threshold_key = "quipu.activation_threshold";  ///< F64

namespace detail {

inline void read_gguf_rope(const gguf_metadata& metadata, model_config& config) {
  config.rope_theta = metadata.number_or("llama.rope.freq_base", 10000);
  const std::size_t rotated = metadata.size_or("llama.rope.dimension_count", config.d_head);
  if (rotated != config.d_head) {
    fail<format_error>(metadata.at("llama.rope.dimension_count"), concat("d_head = ", config.d_head), rotated);
  }
  // Files before `rope.scaling.type` existed state a linear factor alone.
  const double old_factor = metadata.number_or("llama.rope.scale_linear", 1);
  const std::string type = metadata.text_or("llama.rope.scaling.type", old_factor != 1 ? "linear" : "none");
  if (type == "linear") {
    config.scaling.type = rope_scaling::kind::linear;
    config.scaling.factor = metadata.number_or("llama.rope.scaling.factor", old_factor);
  } else if (type != "none") {
    fail<format_error>(metadata.at("llama.rope.scaling.type"), "none or linear", printable(type));
  }
}

}  // namespace detail

/// Reads everything that the metadata says about the architecture. The size of the vocabulary, tying,
/// biases and rotary factors follow from the tensors.
/// @throws format_error  another architecture, a mixture of experts, YaRN or LongRoPE, or absurd values
[[nodiscard]] inline model_config gguf_config(const gguf_metadata& metadata) {
  const std::string architecture = metadata.text_or("general.architecture", "");
  if (architecture != gguf_architecture && architecture != gguf_own_architecture) {
    fail<format_error>(metadata.at("general.architecture"), "llama", printable(architecture));
  }
  if (metadata.integer_or("llama.expert_count", 0) != 0) {
    fail<format_error>(metadata.at("llama.expert_count"), "a dense LLaMA", "a mixture of experts");
  }
  model_config config;
  config.name = metadata.text_or("general.name", "");
  config.d_model = metadata.size("llama.embedding_length");
  config.n_layer = metadata.size("llama.block_count");
  config.d_ffn = metadata.uniform_size("llama.feed_forward_length");
  config.n_head = metadata.uniform_size("llama.attention.head_count");
  config.n_kv_head = metadata.has("llama.attention.head_count_kv")
                         ? metadata.uniform_size("llama.attention.head_count_kv")
                         : config.n_head;
  config.n_ctx = metadata.size("llama.context_length");
  if (metadata.has("llama.attention.key_length")) {
    config.d_head = metadata.size("llama.attention.key_length");
  } else if (config.d_model % config.n_head == 0) {
    config.d_head = config.d_model / config.n_head;
  } else {
    fail<format_error>(metadata.at("llama.embedding_length"), concat("a multiple of ", config.n_head, " heads"),
                       config.d_model);
  }
  const std::size_t d_value = metadata.size_or("llama.attention.value_length", config.d_head);
  if (d_value != config.d_head) {
    fail<format_error>(metadata.at("llama.attention.value_length"), concat("d_head = ", config.d_head), d_value);
  }
  config.rms_norm_eps = metadata.number_or("llama.attention.layer_norm_rms_epsilon", 0);
  if (!metadata.has("llama.attention.layer_norm_rms_epsilon")) {
    fail<format_error>(metadata.at("llama.attention.layer_norm_rms_epsilon"), "a number", "no such key");
  }
  config.hidden_act = metadata.text_or(gguf_hidden_act_key, "silu");
  config.activation_threshold = metadata.number_or(gguf_activation_threshold_key, 0);
  detail::read_gguf_rope(metadata, config);
  return config;
}

}  // namespace quipu::io

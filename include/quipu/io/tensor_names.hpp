/// @file The tensors of a LLaMA: their Hugging Face names and the shapes that the architecture fixes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>  // concat
#include <quipu/io/model_config.hpp>

namespace quipu::io {

inline constexpr std::string_view embedding_name = "model.embed_tokens.weight";
inline constexpr std::string_view final_norm_name = "model.norm.weight";
inline constexpr std::string_view head_name = "lm_head.weight";

/// "model.layers.3." + part.
[[nodiscard]] inline std::string layer_name(std::size_t layer, std::string_view part) {
  return concat("model.layers.", layer, ".", part);
}

/// One tensor that a model of some config must have.
struct expected_tensor {
  std::string name;
  std::vector<std::size_t> shape;  ///< (rows, cols) or (n)
};

/// A projection of a layer, without ".weight".
struct layer_projection {
  std::string_view part;
  std::size_t rows;
  std::size_t cols;
  bool bias;
};

/// The seven projections of every layer, in the order q, k, v, o, gate, up, down.
[[nodiscard]] inline std::vector<layer_projection> projections_of(const model_config& config) {
  const std::size_t d_model = config.d_model;
  return {{"self_attn.q_proj", config.d_q(), d_model, config.attention_bias},
          {"self_attn.k_proj", config.d_kv(), d_model, config.attention_bias},
          {"self_attn.v_proj", config.d_kv(), d_model, config.attention_bias},
          {"self_attn.o_proj", d_model, config.d_q(), config.attention_bias},
          {"mlp.gate_proj", config.d_ffn, d_model, config.mlp_bias},
          {"mlp.up_proj", config.d_ffn, d_model, config.mlp_bias},
          {"mlp.down_proj", d_model, config.d_ffn, config.mlp_bias}};
}

/// All tensors of one layer.
[[nodiscard]] inline std::vector<expected_tensor> tensors_of_layer(const model_config& config,
                                                                   std::size_t layer) {
  std::vector<expected_tensor> expected;
  for (const char* norm : {"input_layernorm.weight", "post_attention_layernorm.weight"}) {
    expected.push_back({layer_name(layer, norm), {config.d_model}});
  }
  for (const layer_projection& p : projections_of(config)) {
    expected.push_back({layer_name(layer, concat(p.part, ".weight")), {p.rows, p.cols}});
    if (p.bias) expected.push_back({layer_name(layer, concat(p.part, ".bias")), {p.rows}});
  }
  return expected;
}

/// The tensors outside the layers; a tied model has no head of its own.
[[nodiscard]] inline std::vector<expected_tensor> tensors_outside_layers(const model_config& config) {
  std::vector<expected_tensor> expected = {
      {std::string(embedding_name), {config.n_vocab, config.d_model}},
      {std::string(final_norm_name), {config.d_model}}};
  if (!config.tied_embeddings) {
    expected.push_back({std::string(head_name), {config.n_vocab, config.d_model}});
  }
  return expected;
}

}  // namespace quipu::io

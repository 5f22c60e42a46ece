// What tensor_names.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>  // concat
#include <quipu/io/model_config.hpp>
#include <quipu/io/tensor_names.hpp>

namespace quipu::io {

QUIPU_INLINE std::vector<layer_projection> projections_of(const model_config& config) {
  const std::size_t d_model = config.d_model;
  return {{"self_attn.q_proj", config.d_q(), d_model, config.attention_bias},
          {"self_attn.k_proj", config.d_kv(), d_model, config.attention_bias},
          {"self_attn.v_proj", config.d_kv(), d_model, config.attention_bias},
          {"self_attn.o_proj", d_model, config.d_q(), config.attention_bias},
          {"mlp.gate_proj", config.d_ffn, d_model, config.mlp_bias},
          {"mlp.up_proj", config.d_ffn, d_model, config.mlp_bias},
          {"mlp.down_proj", d_model, config.d_ffn, config.mlp_bias}};
}

QUIPU_INLINE std::vector<expected_tensor> tensors_of_layer(const model_config& config, std::size_t layer) {
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

QUIPU_INLINE std::vector<expected_tensor> tensors_outside_layers(const model_config& config) {
  std::vector<expected_tensor> expected = {
      {std::string(embedding_name), {config.n_vocab, config.d_model}},
      {std::string(final_norm_name), {config.d_model}}};
  if (!config.tied_embeddings) {
    expected.push_back({std::string(head_name), {config.n_vocab, config.d_model}});
  }
  return expected;
}

}  // namespace quipu::io

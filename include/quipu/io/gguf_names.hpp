/// @file GGUF's names of LLaMA tensors and Hugging Face's, in both directions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

/// Whole names. Source: gguf-py, `constants.py`, MODEL_TENSOR names of architecture "llama".
inline constexpr std::pair<std::string_view, std::string_view> gguf_model_names[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"}};

/// Names within a layer, without ".weight" or ".bias".
inline constexpr std::pair<std::string_view, std::string_view> gguf_layer_names[] = {
    {"attn_norm", "input_layernorm"},     {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},       {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},       {"attn_output", "self_attn.o_proj"},
    {"ffn_gate", "mlp.gate_proj"},        {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"}};

/// Hugging Face's name of a GGUF tensor; empty if it is none of a LLaMA's.
[[nodiscard]] std::optional<std::string> hf_name_of_gguf(std::string_view name);

/// GGUF's name of a tensor with Hugging Face's name; empty if it is none of a LLaMA's.
[[nodiscard]] std::optional<std::string> gguf_name_of_hf(std::string_view name);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf_names.ipp>
#endif

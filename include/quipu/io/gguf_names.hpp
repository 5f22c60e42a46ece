/// @file GGUF's names of LLaMA tensors and Hugging Face's, in both directions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

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

namespace detail {

/// "PREFIX<number>.PART.SUFFIX" with PART looked up from one column and written from the other.
template <class Lookup>
std::optional<std::string> translate_layer_name(std::string_view name, std::string_view from_prefix,
                                                std::string_view to_prefix, Lookup lookup) {
  if (!name.starts_with(from_prefix)) return std::nullopt;
  name.remove_prefix(from_prefix.size());
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || name[digits] != '.') return std::nullopt;
  const std::string_view number = name.substr(0, digits);
  if (number.size() > 1 && number.front() == '0') return std::nullopt;  // one name for one tensor
  const std::string_view rest = name.substr(digits + 1);
  const std::size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = rest.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  const std::optional<std::string_view> part = lookup(rest.substr(0, dot));
  if (!part) return std::nullopt;
  std::string translated(to_prefix);
  translated.append(number).append(".").append(*part).append(suffix);
  return translated;
}

}  // namespace detail

/// Hugging Face's name of a GGUF tensor; empty if it is none of a LLaMA's.
[[nodiscard]] inline std::optional<std::string> hf_name_of_gguf(std::string_view name) {
  for (const auto& [gguf, hf] : gguf_model_names) {
    if (name == gguf) return std::string(hf);
  }
  const auto lookup = [](std::string_view part) -> std::optional<std::string_view> {
    for (const auto& [gguf, hf] : gguf_layer_names) {
      if (part == gguf) return hf;
    }
    return std::nullopt;
  };
  return detail::translate_layer_name(name, "blk.", "model.layers.", lookup);
}

/// GGUF's name of a tensor with Hugging Face's name; empty if it is none of a LLaMA's.
[[nodiscard]] inline std::optional<std::string> gguf_name_of_hf(std::string_view name) {
  for (const auto& [gguf, hf] : gguf_model_names) {
    if (name == hf) return std::string(gguf);
  }
  const auto lookup = [](std::string_view part) -> std::optional<std::string_view> {
    for (const auto& [gguf, hf] : gguf_layer_names) {
      if (part == hf) return gguf;
    }
    return std::nullopt;
  };
  return detail::translate_layer_name(name, "model.layers.", "blk.", lookup);
}

}  // namespace quipu::io

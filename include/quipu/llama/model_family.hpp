/// @file What the files of one model have in common, whatever their format: what was trained on one of them fits all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>  // concat
#include <quipu/core/token.hpp>
#include <quipu/llama/weights.hpp>
#include <quipu/pet/key_hash.hpp>

namespace quipu::llama {

/// Optional: a model that names its family itself.
template <class M>
concept family_model = requires(const M& m) {
  { m.family() } -> std::convertible_to<std::string>;
};

namespace detail {

template <class M>
concept has_norms = requires(const M& m) {
  m.config().d_model;
  m.weights().blocks[0].attention_norm[0];
  m.weights().final_norm[0];
  m.tokenizer().piece(token_id{});
};

}  // namespace detail

/// Key of a model's architecture, vocabulary and norms, which no format quantises: the same for GGUF files of any type and for
/// the folder that they were made from; another one for a model that was trained further in all weights.
/// @return empty for models that show no weights
template <class Model>
[[nodiscard]] std::string model_family(const Model& m) {
  if constexpr (family_model<Model>) {
    return m.family();
  } else if constexpr (detail::has_norms<Model>) {
    const config& c = m.config();
    pet::key_hash hash;
    for (const std::size_t size : {c.d_model, c.d_ffn, c.n_layer, c.n_head, c.n_kv_head, c.d_head, c.n_vocab})
      hash.add_value(size);
    hash.add_value(static_cast<float>(c.rope_theta));
    hash.add(std::as_bytes(std::span<const char>(std::string_view(c.hidden_act))));
    const auto add_norm = [&](const auto* norm) {
      for (std::size_t i = 0; i < c.d_model; ++i) hash.add_value(static_cast<float>(norm[i]));
    };
    for (const auto& block : m.weights().blocks) {
      add_norm(block.attention_norm);
      add_norm(block.ffn_norm);
    }
    add_norm(m.weights().final_norm);
    const auto& tokenizer = m.tokenizer();
    for (std::size_t i = 0; i < tokenizer.n_vocab(); ++i) {
      hash.add(std::as_bytes(std::span<const char>(tokenizer.piece(static_cast<token_id>(i)))));
      hash.add_value('|');
    }
    return concat(c.n_layer, "x", c.d_model, " ", hash.text());
  } else {
    return {};
  }
}

}  // namespace quipu::llama

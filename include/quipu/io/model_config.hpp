/// @file The architecture of a LLaMA as its checkpoint states it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quipu/core/token.hpp>

namespace quipu::io {

/// Scaling of the rotary frequencies for long contexts.
struct rope_scaling {
  enum class kind : std::uint8_t { none, linear, llama3 };
  kind type = kind::none;
  double factor = 1;            ///< linear, llama3: divisor of the frequencies
  double low_freq_factor = 1;   ///< llama3
  double high_freq_factor = 4;  ///< llama3
  double original_n_ctx = 8192; ///< llama3: context of the first training, in tokens
};

/// Everything that fixes the shapes and the arithmetic of a LLaMA. Sizes are checked by the readers:
/// non-zero, n_head a multiple of n_kv_head, d_head even.
struct model_config {
  std::size_t d_model = 0;
  std::size_t d_ffn = 0;
  std::size_t n_layer = 0;
  std::size_t n_head = 0;
  std::size_t n_kv_head = 0;
  std::size_t d_head = 0;
  std::size_t n_vocab = 0;
  std::size_t n_ctx = 0;  ///< longest sequence that the model was made for, in tokens
  double rms_norm_eps = 1e-5;
  double rope_theta = 10000;
  rope_scaling scaling;
  std::vector<float> rope_factors;  ///< (d_head/2) divisors stored in the file (rope_freqs.weight), or empty
  bool tied_embeddings = false;     ///< the head is the embedding matrix
  bool attention_bias = false;      ///< q, k, v and o have biases
  bool mlp_bias = false;            ///< gate, up and down have biases
  std::string hidden_act = "silu";  ///< Hugging Face's name of the FFN's activation
  double activation_threshold = 0;  ///< the shift, if hidden_act is "fatrelu" or "shifted_relu"
  token_id bos = no_token;
  token_id eos = no_token;
  std::vector<token_id> end_tokens;  ///< every token that ends a generated text, eos first; may be empty
  std::string name;  ///< for people: the checkpoint's own name of the model, may be empty

  [[nodiscard]] std::size_t d_q() const noexcept { return n_head * d_head; }
  [[nodiscard]] std::size_t d_kv() const noexcept { return n_kv_head * d_head; }
};

}  // namespace quipu::io

/// @file A random LLaMA that reads any text, a token a byte: byte b is token b, 256 ends a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/core/token.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/text/byte_alphabet.hpp>

#include "support/random_checkpoint.hpp"

namespace quipu::test {

struct byte_model_sizes {
  std::size_t d_model = 64, n_layer = 2, n_ctx = 256;
};

/// Matrices are scaled down: every token of a text matters, and the last one can be taught.
inline auto byte_model(const byte_model_sizes& sizes = {}) {
  io::model_config config = small_config();
  config.d_model = sizes.d_model;
  config.n_layer = sizes.n_layer;
  config.n_vocab = 258;
  config.n_ctx = sizes.n_ctx;
  config.bos = no_token;
  config.eos = 256;
  config.end_tokens = {256};
  io::checkpoint made = random_checkpoint(config);
  text::vocabulary& v = made.vocabulary;
  v.kind = text::tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = "gpt-2";
  for (int byte = 0; byte < 256; ++byte)
    v.tokens.push_back(text::encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  v.kinds.assign(256, text::token_kind::normal);
  v.tokens.insert(v.tokens.end(), {"<|endoftext|>", "<|im_start|>"});
  v.kinds.insert(v.kinds.end(), 2, text::token_kind::control);
  v.eos = 256;
  for (auto& [name, tensor] : made.tensors) {
    if (tensor.shape.size() < 2) continue;
    auto* values = reinterpret_cast<float*>(const_cast<std::byte*>(tensor.bytes.data()));
    for (std::size_t i = 0; i < tensor.bytes.size() / sizeof(float); ++i) values[i] *= 0.2f;
  }
  return llama::from_checkpoint<activations::f32, kv::exact>(made);
}

}  // namespace quipu::test

/// @file The model that training is measured on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>

#include <quipu/llama/load.hpp>

#include "support/random_checkpoint.hpp"

namespace quipu::bench {

/// The checkpoint that QUIPU_MODEL names; without it random weights, in SmolLM2's shape with two of its layers.
inline const llama::model<>& subject() {
  static const llama::model<> m = [] {
    if (const char* path = std::getenv("QUIPU_MODEL")) return llama::load<>(path);
    io::model_config c;
    c.d_model = 576, c.d_ffn = 1536, c.n_layer = 2, c.n_head = 9, c.n_kv_head = 3, c.d_head = 64;
    c.n_vocab = 8192, c.n_ctx = 2048, c.tied_embeddings = true;
    return llama::from_checkpoint<>(random_checkpoint(c, tensor_type::q4_1));
  }();
  return m;
}

}  // namespace quipu::bench

/// @file The model that fuzzed adapters are for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/io/model_config.hpp>

namespace quipu::test {

inline io::model_config tiny_config() {
  io::model_config c;
  c.d_model = 8, c.d_ffn = 12, c.n_layer = 1, c.n_head = 2, c.n_kv_head = 1, c.d_head = 4, c.n_vocab = 10, c.n_ctx = 16;
  return c;
}

}  // namespace quipu::test

// Writes a checkpoint of random weights in a large model's shape, for scripts/compare: speed does not depend on their values.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>
#include <string>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>

#include "support/random_checkpoint.hpp"

int main(int argc, char** argv) {
  if (argc != 8) {
    std::cerr << "usage: wide_model MODEL_WITH_VOCABULARY OUT.gguf LAYERS D_MODEL D_FFN HEADS KV_HEADS\n";
    return 2;
  }
  try {
    quipu::io::checkpoint from = quipu::io::open_checkpoint(argv[1]);
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoul(argv[i], nullptr, 10)); };
    quipu::io::model_config c = from.config;
    c.n_layer = number(3);
    c.d_model = number(4);
    c.d_ffn = number(5);
    c.n_head = number(6);
    c.n_kv_head = number(7);
    c.d_head = c.d_model / c.n_head;
    c.n_ctx = 4096;
    c.tied_embeddings = false;
    auto made = quipu::bench::random_checkpoint(c, quipu::tensor_type::f16);
    made.vocabulary = std::move(from.vocabulary);
    quipu::io::write_gguf(argv[2], made);
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

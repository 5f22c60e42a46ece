/// @file Complete checkpoints of any shape with random weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <quipu/io/checkpoint.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/tensor_names.hpp>

namespace quipu::test {

/// A small config whose rows are whole blocks of 32.
inline io::model_config small_config() {
  io::model_config config;
  config.d_model = 64;
  config.d_ffn = 96;
  config.n_layer = 2;
  config.n_head = 4;
  config.n_kv_head = 2;
  config.d_head = 16;
  config.n_vocab = 7;
  config.n_ctx = 32;
  config.bos = 1;
  config.eos = 2;
  config.end_tokens = {2};
  config.name = "small";
  return config;
}

inline text::vocabulary small_vocabulary() {
  text::vocabulary v;
  v.kind = text::tokenizer_kind::sentencepiece;
  v.tokens = {"<unk>", "<s>", "</s>", "\xe2\x96\x81" "a", "b", "<0x0A>", "c"};
  v.scores = {0, 0, 0, -1, -2, -3, -4};
  using kind = text::token_kind;
  v.kinds = {kind::unknown, kind::control, kind::control, kind::normal, kind::normal, kind::byte, kind::user_defined};
  v.bos = 1;
  v.eos = 2;
  v.unk = 0;
  v.add_bos = true;
  v.add_space_prefix = true;
  v.chat_template = "{{ messages }}";
  return v;
}

/// All tensors of `config`, weights normal with deviation 1, matrices stored as `type`, the rest F32.
inline io::checkpoint random_checkpoint(const io::model_config& config, tensor_type type = tensor_type::f32,
                                        std::uint64_t seed = 1) {
  io::checkpoint made;
  made.path = "random";
  made.format = "test";
  made.config = config;
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  const auto add = [&](const std::vector<io::expected_tensor>& tensors) {
    for (const auto& expected : tensors) {
      std::size_t n = 1;
      for (const std::size_t extent : expected.shape) n *= extent;
      std::vector<float> values(n);
      for (float& value : values) value = normal(engine);
      const tensor_type stored = expected.shape.size() > 1 ? type : tensor_type::f32;
      auto bytes = std::make_shared<std::vector<std::byte>>(row_bytes(stored, n));
      io::quantise_row(stored, values.data(), bytes->data(), n);
      made.tensors.emplace(expected.name, io::tensor_view{stored, expected.shape, *bytes});
      made.owned.push_back(std::move(bytes));
    }
  };
  add(io::tensors_outside_layers(config));
  for (std::size_t layer = 0; layer < config.n_layer; ++layer) add(io::tensors_of_layer(config, layer));
  return made;
}

}  // namespace quipu::test

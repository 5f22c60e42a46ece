/// @file A checkpoint of random weights in memory, for when no real one is at hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/tensor_names.hpp>

namespace quipu::bench {

/// All matrices in `type`, vectors of ones.
inline io::checkpoint random_checkpoint(const io::model_config& config, tensor_type type) {
  io::checkpoint c;
  c.path = "random weights";
  c.format = "random";
  c.config = config;
  random_stream random(1);
  const auto add = [&](const io::expected_tensor& t) {
    const bool matrix = t.shape.size() == 2;
    const std::size_t cols = t.shape.back(), rows = matrix ? t.shape[0] : 1;
    const tensor_type stored = matrix ? type : tensor_type::f32;
    auto bytes = std::make_shared<std::vector<std::byte>>(rows * row_bytes(stored, cols));
    std::vector<float> row(cols, 1.0f);
    for (std::size_t r = 0; r < rows; ++r) {
      if (matrix) for (float& x : row) x = (random.uniform() - 0.5f) * 0.1f;
      io::quantise_row(stored, row.data(), bytes->data() + r * row_bytes(stored, cols), cols);
    }
    c.tensors.emplace(t.name, io::tensor_view{stored, t.shape, *bytes});
    c.owned.push_back(std::move(bytes));
  };
  for (const auto& t : io::tensors_outside_layers(config)) add(t);
  for (std::size_t layer = 0; layer < config.n_layer; ++layer) {
    for (const auto& t : io::tensors_of_layer(config, layer)) add(t);
  }
  return c;
}

}  // namespace quipu::bench

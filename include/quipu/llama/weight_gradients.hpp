/// @file Where the gradients of a model's weights are added up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <quipu/ffn/weights.hpp>

namespace quipu::llama {

/// Gradients of one decoder block, each of its weight's shape; null where the weight is frozen.
template <class Scalar>
struct block_gradients {
  Scalar* attention_norm = nullptr;
  Scalar* q = nullptr;
  Scalar* k = nullptr;
  Scalar* v = nullptr;
  Scalar* o = nullptr;
  Scalar* q_bias = nullptr;
  Scalar* k_bias = nullptr;
  Scalar* v_bias = nullptr;
  Scalar* o_bias = nullptr;
  Scalar* ffn_norm = nullptr;
  ffn::ffn_gradients<Scalar> ffn;

  [[nodiscard]] bool empty() const noexcept {
    return attention_norm == nullptr && q == nullptr && k == nullptr && v == nullptr && o == nullptr &&
           q_bias == nullptr && k_bias == nullptr && v_bias == nullptr && o_bias == nullptr && ffn_norm == nullptr &&
           ffn.empty();
  }
};

/// Gradients of all weights of a model. A frozen model has no blocks here and nothing but null pointers.
template <class Scalar>
struct weight_gradients {
  Scalar* embedding = nullptr;  ///< (n_vocab, d_model); of both uses if the head is tied
  std::vector<block_gradients<Scalar>> blocks;
  Scalar* final_norm = nullptr;
  Scalar* head = nullptr;  ///< (n_vocab, d_model); the embedding's if they are tied

  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] block_gradients<Scalar> of(std::size_t layer) const noexcept {
    return blocks.empty() ? block_gradients<Scalar>() : blocks[layer];
  }
  /// First block that a backward pass has to reach; `none` if no block or embedding trains.
  [[nodiscard]] std::size_t lowest_layer() const noexcept {
    if (embedding != nullptr) return 0;
    const auto first = std::find_if(blocks.begin(), blocks.end(), [](const auto& b) { return !b.empty(); });
    return first == blocks.end() ? none : static_cast<std::size_t>(first - blocks.begin());
  }
};

}  // namespace quipu::llama

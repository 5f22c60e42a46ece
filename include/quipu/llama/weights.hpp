/// @file The weights of a LLaMA: const once built, shared by all models and sessions that use them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <quipu/ffn/form_cache.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::llama {

using config = io::model_config;

/// Weights of one decoder block. Null biases and vectors are absent.
template <class Scalar>
struct block_weights {
  const Scalar* attention_norm = nullptr;  ///< (d_model)
  linear::stored_matrix q;                 ///< (n_head * d_head, d_model), rotary pairs (i, i + d_head/2)
  linear::stored_matrix k;                 ///< (n_kv_head * d_head, d_model), rotary pairs as in q
  linear::stored_matrix v;                 ///< (n_kv_head * d_head, d_model)
  linear::stored_matrix o;                 ///< (d_model, n_head * d_head)
  const Scalar* q_bias = nullptr;
  const Scalar* k_bias = nullptr;
  const Scalar* v_bias = nullptr;
  const Scalar* o_bias = nullptr;
  const Scalar* ffn_norm = nullptr;  ///< (d_model)
  ffn::ffn_weights<Scalar> ffn;
};

/// All weights. Matrices are views of what `memory` keeps alive: mapped files, converted copies, or the
/// buffers of a model in training.
template <class Scalar>
struct weights {
  linear::stored_matrix embedding;  ///< (n_vocab, d_model)
  std::vector<block_weights<Scalar>> blocks;
  const Scalar* final_norm = nullptr;  ///< (d_model)
  linear::stored_matrix head;          ///< (n_vocab, d_model); the embedding if they are tied
  std::vector<std::shared_ptr<const void>> memory;
  /// What FFN kernels made of these weights, see `ffn::form_cache`. Weights that are changed get another.
  std::shared_ptr<ffn::form_cache> forms = std::make_shared<ffn::form_cache>();

  /// Bytes of weights that computing one token reads.
  [[nodiscard]] std::size_t bytes_per_token() const noexcept {
    std::size_t n = head.n_byte();
    for (const block_weights<Scalar>& b : blocks) {
      n += b.q.n_byte() + b.k.n_byte() + b.v.n_byte() + b.o.n_byte() + b.ffn.gate.n_byte() + b.ffn.up.n_byte() +
           b.ffn.down.n_byte();
    }
    return n;
  }
  /// Number of weights in all matrices, the head counted once if it is tied.
  [[nodiscard]] std::size_t n_parameter() const noexcept {
    const auto size = [](const linear::stored_matrix& w) { return w.rows * w.cols; };
    std::size_t n = size(embedding) + (head.data == embedding.data ? 0 : size(head));
    for (const block_weights<Scalar>& b : blocks) {
      n += size(b.q) + size(b.k) + size(b.v) + size(b.o) + size(b.ffn.gate) + size(b.ffn.up) + size(b.ffn.down) +
           2 * embedding.cols;
    }
    return n + embedding.cols;
  }
};

}  // namespace quipu::llama

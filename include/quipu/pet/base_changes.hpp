/// @file What an adapter changes of the model under it: whole tensors, rows of embeddings, the head, biases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/io/checkpoint.hpp>  // tensor_view

namespace quipu::pet {

/// The parts of a PEFT folder that no module can hold, since they do not work beside a linear layer of a block. Tensors
/// are views of the folder's file, which it keeps open, under the model's names ("lm_head.weight"), with their shapes checked.
///
/// A model takes them by `llama::with_base_changes`.
struct base_changes {
  /// `modules_to_save`, and biases that were trained with the adapter: the tensor is replaced.
  struct whole {
    std::string name;
    io::tensor_view values;
  };
  /// LoRA on the head or the embedding: W (n_vocab, d_model) += scale B A, or the transpose of it for an embedding.
  struct low_rank {
    std::string name;
    io::tensor_view a;  ///< (rank, d_model) of the head, (rank, n_vocab) of the embedding
    io::tensor_view b;  ///< (n_vocab, rank) of the head, (d_model, rank) of the embedding
    double scale = 1;
    bool transposed = false;
  };
  /// `trainable_token_indices`: some rows are replaced.
  struct token_rows {
    std::string name;
    std::vector<std::size_t> tokens;
    io::tensor_view rows;  ///< (tokens.size(), d_model)
  };
  /// `lora_bias`: scale * values is added to a bias, which becomes one if there was none.
  struct added_bias {
    std::string name;
    io::tensor_view values;
    double scale = 1;
  };

  std::vector<whole> replaced;
  std::vector<low_rank> added;
  std::vector<token_rows> rows;
  std::vector<added_bias> biases;
  bool ties_weights = false;  ///< `ensure_weight_tying`: what happens to a tied embedding happens to the head
  std::set<std::string, std::less<>> tensors;  ///< names in the folder's file that all this came from
  std::shared_ptr<const void> memory;          ///< keeps that file mapped

  [[nodiscard]] bool empty() const noexcept {
    return replaced.empty() && added.empty() && rows.empty() && biases.empty();
  }
  /// The first thing that changes, for messages.
  [[nodiscard]] std::string_view first() const noexcept {
    return !replaced.empty() ? replaced.front().name
           : !added.empty()  ? added.front().name
           : !rows.empty()   ? rows.front().name
           : !biases.empty() ? biases.front().name
                             : std::string_view();
  }
};

}  // namespace quipu::pet

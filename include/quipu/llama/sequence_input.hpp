/// @file What sessions are asked for: sequences, rows to continue them with, logits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/matrix_view.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/token.hpp>

namespace quipu::llama {

/// Names a sequence of one session.
enum class sequence_id : std::uint32_t {};

/// For which of an input's rows logits are wanted.
enum class logits_of : std::uint8_t { none, last_row, every_row };

/// Where tokens come from. Products of weights that are not in tiles (see `storage::repacked`) take another way for each, in
/// blocks or row by row, whose last bits differ; within a role a row's numbers do not depend on how many stand beside it.
enum class token_role : std::uint8_t {
  prompt,  ///< given by the caller: a text has one set of numbers however it is cut
  decode,  ///< chosen by `generate`, one at a time
};

/// Rows that a sequence is continued with: tokens, or embeddings in their place.
template <class Scalar>
struct sequence_input {
  sequence_id sequence{};
  std::span<const token_id> tokens{};
  matrix_view<const Scalar> embeddings{};  ///< (n_row, d_model), used if `tokens` is empty
  logits_of want = logits_of::last_row;
  token_role role = token_role::prompt;

  [[nodiscard]] std::size_t n_row() const noexcept { return tokens.empty() ? embeddings.rows() : tokens.size(); }
};

struct session_options {
  std::size_t n_ctx = 0;      ///< longest sequence in tokens; 0 means the model's own limit
  std::size_t n_batch = 256;  ///< rows that one pass computes at most; longer inputs take several passes
  progress_callback progress = {};  ///< called after every pass of `run` but the last
  std::size_t memory = 0;  ///< bytes that a sequence of n_ctx tokens may take; 0 means what is available
};

}  // namespace quipu::llama

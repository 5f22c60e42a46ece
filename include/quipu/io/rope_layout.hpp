/// @file The two row orders of query and key projections, and the step from one to the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/io/checkpoint.hpp>

// RoPE rotates pairs of a head's elements by position * theta^(-2i / d_head), pair i = 0 .. d_head/2 - 1.
// Which two elements make pair i is a convention of the checkpoint:
//
//   layout      pair i                  who
//   halves      (i, i + d_head/2)       Hugging Face; quipu computes in it
//   neighbours  (2i, 2i + 1)            Meta's original, llama2.c, GGUF files of architecture "llama"
//
// Scores are dot products within a head, so a model moves from one to the other by reordering the rows
// (and bias entries) of q_proj and k_proj within every head. Nothing else in a checkpoint depends on it;
// rotary factors count pairs and are the same in both.

namespace quipu::io {

/// The row of a head in layout `from` that becomes row `row` of the head in the other layout.
[[nodiscard]] constexpr std::size_t rope_source_row(rope_layout from, std::size_t row,
                                                    std::size_t d_head) noexcept {
  const std::size_t half = d_head / 2;
  if (from == rope_layout::neighbours) return row < half ? 2 * row : 2 * (row - half) + 1;
  return row % 2 == 0 ? row / 2 : half + row / 2;
}

/// A q or k projection (rows, cols), or its bias (rows), with the rows of every head reordered from
/// `from` to the other layout. Any storage type: rows move as bytes.
/// @throws shape_error  the rows are not whole heads
/// @throws config_error  a bias in blocks
[[nodiscard]] std::vector<std::byte> swap_rope_layout(const tensor_view& tensor, rope_layout from, std::size_t d_head);

/// Brings all q and k projections of a checkpoint into `wanted`; does nothing if they are in it.
/// Reordered tensors are copies that the checkpoint owns.
/// @param team  that copies them
void convert_rope_layout(checkpoint& opened, rope_layout wanted, const thread_team& team = thread_team(1));

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/rope_layout.ipp>
#endif

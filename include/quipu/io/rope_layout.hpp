/// @file The two row orders of query and key projections, and the step from one to the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/tensor_names.hpp>

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
[[nodiscard]] inline std::vector<std::byte> swap_rope_layout(const tensor_view& tensor, rope_layout from,
                                                             std::size_t d_head) {
  const std::size_t n_row = tensor.shape.empty() ? 0 : tensor.shape.front();
  if (d_head == 0 || d_head % 2 != 0 || n_row % d_head != 0) {
    fail<shape_error>("swap_rope_layout: rows", concat("a multiple of an even d_head = ", d_head), n_row);
  }
  const std::size_t cols = tensor.shape.size() == 1 ? 1 : tensor.n_element() / (n_row == 0 ? 1 : n_row);
  if (cols % block_of(tensor.type).elements != 0) {
    fail<config_error>("swap_rope_layout: row", "whole blocks", concat(cols, " elements"));
  }
  const std::size_t size = row_bytes(tensor.type, cols);
  std::vector<std::byte> moved(tensor.bytes.size());
  for (std::size_t row = 0; row < n_row && size != 0; ++row) {
    const std::size_t head = row / d_head * d_head;
    const std::size_t source = head + rope_source_row(from, row - head, d_head);
    std::memcpy(moved.data() + row * size, tensor.bytes.data() + source * size, size);
  }
  return moved;
}

/// Brings all q and k projections of a checkpoint into `wanted`; does nothing if they are in it.
/// Reordered tensors are copies that the checkpoint owns.
inline void convert_rope_layout(checkpoint& opened, rope_layout wanted) {
  if (opened.rope == wanted) return;
  for (std::size_t layer = 0; layer < opened.config.n_layer; ++layer) {
    for (const char* part : {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.q_proj.bias",
                             "self_attn.k_proj.bias"}) {
      const auto found = opened.tensors.find(layer_name(layer, part));
      if (found == opened.tensors.end()) continue;
      auto moved = std::make_shared<const std::vector<std::byte>>(
          swap_rope_layout(found->second, opened.rope, opened.config.d_head));
      for (const auto& file : opened.files) file->release_if_within(found->second.bytes);
      found->second.bytes = *moved;
      opened.owned.push_back(std::move(moved));
    }
  }
  opened.rope = wanted;
}

}  // namespace quipu::io

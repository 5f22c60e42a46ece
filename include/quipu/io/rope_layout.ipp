// What rope_layout.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_names.hpp>

namespace quipu::io {

namespace detail {

inline void swap_rope_rows(const tensor_view& tensor, rope_layout from, std::size_t d_head, const thread_team& team, std::byte* to) {
  const std::size_t n_row = tensor.shape.empty() ? 0 : tensor.shape.front();
  if (d_head == 0 || d_head % 2 != 0 || n_row % d_head != 0) {
    fail<shape_error>("swap_rope_layout: rows", concat("a multiple of an even d_head = ", d_head), n_row);
  }
  const std::size_t cols = tensor.shape.size() == 1 ? 1 : tensor.n_element() / (n_row == 0 ? 1 : n_row);
  if (cols % block_of(tensor.type).elements != 0) {
    fail<config_error>("swap_rope_layout: row", "whole blocks", concat(cols, " elements"));
  }
  const std::size_t size = row_bytes(tensor.type, cols);
  team.parallel_for(size == 0 ? 0 : n_row, 64, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t head = row / d_head * d_head;
      const std::size_t source = head + rope_source_row(from, row - head, d_head);
      std::memcpy(to + row * size, tensor.bytes.data() + source * size, size);
    }
  });
}

}  // namespace detail

QUIPU_INLINE std::vector<std::byte> swap_rope_layout(const tensor_view& tensor, rope_layout from, std::size_t d_head) {
  std::vector<std::byte> moved(tensor.bytes.size());
  detail::swap_rope_rows(tensor, from, d_head, thread_team(1), moved.data());
  return moved;
}

QUIPU_INLINE void convert_rope_layout(checkpoint& opened, rope_layout wanted, const thread_team& team) {
  if (opened.rope == wanted) return;
  for (std::size_t layer = 0; layer < opened.config.n_layer; ++layer) {
    for (const char* part : {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.q_proj.bias",
                             "self_attn.k_proj.bias"}) {
      const auto found = opened.tensors.find(layer_name(layer, part));
      if (found == opened.tensors.end()) continue;
      // Large ones come in huge pages: a vector's small ones cost more than the copy.
      auto moved = std::make_shared<buffer<std::byte>>(found->second.bytes.size());
      detail::swap_rope_rows(found->second, opened.rope, opened.config.d_head, team, moved->data());
      for (const auto& file : opened.files) file->release_if_within(found->second.bytes);
      found->second.bytes = std::as_const(*moved).span();
      opened.owned.push_back(std::move(moved));
    }
  }
  opened.rope = wanted;
}

}  // namespace quipu::io

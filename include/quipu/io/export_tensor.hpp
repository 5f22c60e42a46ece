/// @file A checkpoint's tensors in the row order and storage type that a writer needs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_values.hpp>

namespace quipu::io {

/// True for the projections whose row order `rope_layout` is about.
[[nodiscard]] inline bool has_rope_rows(std::string_view name) {
  return name.find(".self_attn.q_proj.") != std::string_view::npos ||
         name.find(".self_attn.k_proj.") != std::string_view::npos;
}

/// The bytes of tensor `name` as `type`, with query and key rows in the order `wanted`.
/// @throws config_error  the conversion is none that we have; the message names the tensor
[[nodiscard]] inline std::vector<std::byte> export_tensor(const checkpoint& source, std::string_view name,
                                                          tensor_type type, rope_layout wanted) {
  const tensor_view& tensor = source.at(name);
  try {
    std::vector<std::byte> bytes = stored_as(tensor, type);
    if (source.rope == wanted || !has_rope_rows(name)) return bytes;
    return swap_rope_layout({type, tensor.shape, bytes}, source.rope, source.config.d_head);
  } catch (const config_error& problem) {
    throw config_error(concat(name, ": ", problem.what()));
  }
}

}  // namespace quipu::io

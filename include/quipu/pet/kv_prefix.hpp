/// @file Learned keys and values before the tokens of a sequence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::pet {

/// Learned keys and values that stand before a sequence's own in every layer, not rotated. Row r holds for
/// each layer in turn n_kv_head * d_head keys and as many values (PEFT's `prompt_embeddings`).
template <class Scalar>
struct kv_prefix {
  std::size_t n_row = 0;           ///< virtual tokens; real tokens start at this position
  const Scalar* values = nullptr;  ///< (n_row, n_layer * 2 * n_kv_head * d_head)
  Scalar* gradient = nullptr;      ///< same shape, added to; null if the prefix is frozen
};

}  // namespace quipu::pet

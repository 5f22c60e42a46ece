/// @file Rows of quantised weights brought into the order of a tile.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/linear/packed_form.hpp>

namespace quipu::linear {

/// Writes a tile of up to 16 rows; rows that are not there become 0.
///
/// @param rows   the first of rows that are `stride` bytes apart
/// @param tile   (packed_form_of(type).tile_bytes(n_col)) out
/// @pre `can_pack(type, n_col)`
/// @return whether all scales are finite
[[nodiscard]] bool pack_tile(tensor_type type, const std::byte* rows, std::size_t stride, std::size_t n_row,
                             std::size_t n_col, std::byte* tile) noexcept;

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/pack_tile.ipp>
#endif

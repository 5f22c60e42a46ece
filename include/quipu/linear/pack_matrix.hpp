/// @file A whole matrix of quantised weights brought into tiles.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include <quipu/core/thread_team.hpp>
#include <quipu/linear/pack_tile.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::linear {

/// Writes the tiles of a matrix, by all threads of a team.
/// @param tiles  (packed_bytes(w.type, w.rows, w.cols)) out
/// @pre `can_pack(w.type, w.cols)`
/// @return whether all scales are finite
[[nodiscard]] inline bool pack_matrix(const stored_matrix& w, const thread_team& team, std::byte* tiles) {
  const std::size_t bytes = packed_form_of(w.type).tile_bytes(w.cols);
  std::atomic<bool> finite{true};
  team.parallel_for((w.rows + packed_tile_rows - 1) / packed_tile_rows, 4,
                    [&](std::size_t begin, std::size_t end, std::size_t) {
                      for (std::size_t i = begin; i < end; ++i) {
                        const std::size_t first = i * packed_tile_rows;
                        const std::size_t n_row = std::min(packed_tile_rows, w.rows - first);
                        if (!pack_tile(w.type, w.row(first), w.stride, n_row, w.cols, tiles + i * bytes))
                          finite.store(false, std::memory_order_relaxed);
                      }
                    });
  return finite.load(std::memory_order_relaxed);
}

}  // namespace quipu::linear

/// @file The row with the largest product, found without reading all of every row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Finds the row of a matrix in planes whose product with an activation is largest: the high nibbles of all rows, then the low ones
/// of those whose upper bound reaches the best lower bound. Memory is used again.
///
/// The row found is that of the whole product (`multiply`), ties to the lower number, but for a probability of at most 2 delta over the
/// dither: that of the right row or of the one with the best lower bound leaving its bound.
class certified_argmax {
 public:
  /// @param x  one row, rounded with the dither of `planes`
  /// @return its number; 0 if all products are NaN
  [[nodiscard]] std::size_t find(workspace& ws, const gate_planes& planes, const integer_rows& x, const gate_certificate& certificate) {
    QUIPU_ASSERT(x.n_row == 1 && x.n_col == planes.n_col && planes.n_neuron > 0);
    const integer_kernel_table& kernels = integer_kernels_of(ws);
    const std::size_t n_tile = planes.n_tile(), n_thread = ws.team().size(), grain = (n_tile + n_thread - 1) / n_thread;
    upper_.reserve_discarding(n_tile * integer_tile_rows);  // (n_neuron)
    base_.reserve_discarding(n_tile * integer_tile_rows);   // (n_neuron)
    lower_.assign(n_thread, -std::numeric_limits<float>::infinity());
    const double scale = double{*x.scale};
    ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
      float best = -std::numeric_limits<float>::infinity();
      constexpr std::size_t tiles_at_once = 2;
      for (std::size_t from = begin; from < end; from += tiles_at_once) {
        high_sums sums[tiles_at_once];
        const std::size_t n_here = std::min(tiles_at_once, end - from);
        kernels.add_high(planes.tile(from), n_here, x, certificate.factor(), sums);
        for (std::size_t i = 0; i < n_here * integer_tile_rows; ++i) {
          const high_sums& all = sums[i / integer_tile_rows];
          const std::size_t row = from * integer_tile_rows + i, k = i % integer_tile_rows;
          const double own = double{planes.scale[row]} * scale, reach = all.reach[k] + 1;  // one more covers rounding
          upper_[row] = static_cast<float>((all.middle[k] + reach) * own);
          base_[row] = all.base[k];
          if (row < planes.n_neuron) best = std::max(best, static_cast<float>((all.middle[k] - reach) * own));
        }
      }
      lower_[begin / grain] = best;
    });
    const float best = *std::max_element(lower_.begin(), lower_.end());
    ids_.clear();
    bases_.clear();
    for (std::size_t i = 0; i < planes.n_neuron; ++i) {
      if (upper_[i] < best) continue;  // NaN stays
      ids_.push_back(static_cast<std::uint32_t>(i));
      bases_.push_back(base_[i]);
    }
    values_.resize(ids_.size());
    finish_listed(kernels, planes, x, ids_, bases_.data(), values_.data());
    return ids_[static_cast<std::size_t>(std::max_element(values_.begin(), values_.end()) - values_.begin())];
  }

  /// Rows whose low nibbles the last call read.
  [[nodiscard]] std::size_t n_read() const noexcept { return ids_.size(); }

 private:
  buffer<float> upper_;
  buffer<double> base_;
  std::vector<float> lower_, values_;
  std::vector<std::uint32_t> ids_;
  std::vector<double> bases_;
};

}  // namespace quipu::linear

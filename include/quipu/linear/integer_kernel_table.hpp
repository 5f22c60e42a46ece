/// @file The loops of a gate in whole numbers, as one table for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/isa.hpp>
#include <quipu/linear/integer_form.hpp>
#include <quipu/linear/packed_kernel_table.hpp>  // activation_bits

namespace quipu::linear {

/// Rows of activations in whole numbers, one scale for each row: x = scale * X, in somebody else's memory. The error of
/// a value is at most half of the scale.
struct integer_rows {
  std::size_t n_row = 0, n_col = 0, n_group = 0;  ///< n_group = ceil(n_col / 64)
  activation_bits bits = activation_bits::sixteen;
  std::size_t stride = 0;  ///< values from a row to the next in `pairs`, `high` and `low`
  std::int16_t* pairs =
      nullptr;  ///< (n_row, stride) X, of every four columns the first and third, then the second and fourth
  std::int8_t* high = nullptr;          ///< (n_row, stride) X = 256 high + low; of eight bits X itself
  std::int8_t* low = nullptr;           ///< (n_row, stride) of eight bits 0
  std::int32_t* sums = nullptr;         ///< (n_row, n_group) of X
  std::int32_t* dither_sums = nullptr;  ///< (n_row, n_group) of u X; 0 if they were rounded without a dither
  double* squares = nullptr;            ///< (n_row, n_group) sums of X^2, exact
  float* scale = nullptr;               ///< (n_row) 0: zeros only; NaN: a value was not finite, and X is 0

  [[nodiscard]] integer_rows from_row(std::size_t t) const noexcept {
    return {n_row - t,
            n_col,
            n_group,
            bits,
            stride,
            pairs + t * stride,
            high + t * stride,
            low + t * stride,
            sums + t * n_group,
            dither_sums + t * n_group,
            squares + t * n_group,
            scale + t};
  }
};

/// What the high nibbles say about the sums z of a tile's neurons: z = base + (the low nibbles' part), and z - middle
/// has the variance 21.25 * (reach / factor)^2 over the dithers.
struct high_sums {
  double base[integer_tile_rows];    ///< exact
  double middle[integer_tile_rows];  ///< exact; base and the mean of the low nibbles' part
  double reach[integer_tile_rows];   ///< factor * sqrt(sum of multiplier^2 X^2)
};

/// Loops that differ between instruction sets. Whole numbers are added exactly, so all sets give the same bits.
struct integer_kernel_table {
  instruction_set set;

  /// Rounds x (n_col) into the first row of `out`.
  /// @param dither  (n_col) or null
  void (*round)(const float* x, const std::uint8_t* dither, integer_rows out) noexcept;

  /// y[t * y_stride + i] = float(z * (double(row_scale[i]) * double(x.scale[t]))) for the sixteen neurons of a tile of
  /// bytes and `n_token` rows of activations; z = sum over groups of multiplier * (sum of q X).
  void (*multiply)(const std::byte* tile, integer_rows x, std::size_t n_token, const float* row_scale, float* y,
                   std::size_t y_stride) noexcept;

  /// The sums of `n_tile` neighbouring tiles of high nibbles and one row of activations.
  void (*add_high)(const std::byte* tile, std::size_t n_tile, integer_rows x, double factor, high_sums* out) noexcept;

  /// z[i] += the low nibbles' part, for eight rows that are read side by side.
  void (*add_low)(const std::byte* const* rows, integer_rows x, double* z) noexcept;
};

/// Rows of low nibbles that are read side by side: scattered rows of 2 KB come from memory at twice the speed that way.
inline constexpr std::size_t low_rows_at_once = 8;

}  // namespace quipu::linear

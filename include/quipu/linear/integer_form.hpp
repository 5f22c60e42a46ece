/// @file How a gate matrix in whole numbers lies in memory: in bytes, and in two planes of nibbles.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::linear {

/// Neurons whose weights lie side by side in a tile.
inline constexpr std::size_t integer_tile_rows = 16;
/// Columns that share a multiplier.
inline constexpr std::size_t integer_group = 64;
/// Rows have at most so many columns: sums of squares then stay below 2^53, and every sum in double is exact.
inline constexpr std::size_t largest_integer_columns = 32768;
inline constexpr int largest_integer_weight = 112;  ///< with a dither of 0 .. 15 added, a signed byte
inline constexpr int largest_multiplier = 16;

/// Sizes of the parts. A weight is scale[row] * multiplier[row][group] * q with q in -112 .. 112 and multipliers in
/// 1 .. 16.
///
/// Bytes: a tile is sixteen neurons. Before every four groups lies a line of 64 bytes with their multipliers, sixteen
/// of a group in turn; then the groups, each sixteen lines of 64 bytes. Line k has columns 4 k .. 4 k + 3 of every
/// neuron, q + 128.
///
/// Planes: v = q + u with the dither u in 0 .. 15, one for each column. High tiles are like those of bytes, but a group
/// has eight lines: byte 4 n + j of line k has neuron n's (v >> 4) + 8 of column 8 k + j in its low nibble, and of
/// 8 k + 4 + j in its high one. Low rows lie one by one: multipliers, filled up to 64 bytes; then lines of 64 bytes with
/// v & 15, columns 128 k + j in the low nibbles and 128 k + 64 + j in the high ones.
/// Source of the dither that is taken away again: Roberts 1962, "Picture coding using pseudo-random noise".
struct integer_form {
  std::size_t n_group = 0;

  static constexpr std::size_t line = 64;
  static constexpr std::size_t groups_a_line = 4;  ///< whose multipliers share a line of a tile
  static constexpr std::size_t byte_lines = 16;    ///< of a group in a tile of bytes
  static constexpr std::size_t high_lines = 8;     ///< of a group in a tile of high nibbles

  [[nodiscard]] static constexpr integer_form of(std::size_t n_col) noexcept {
    return {(n_col + integer_group - 1) / integer_group};
  }

  /// Where the multipliers of group g lie in a tile whose groups have `lines`, and where its first line lies.
  [[nodiscard]] static constexpr std::size_t multipliers_at(std::size_t g, std::size_t lines) noexcept {
    return (g / groups_a_line * (1 + groups_a_line * lines)) * line + g % groups_a_line * integer_tile_rows;
  }
  [[nodiscard]] static constexpr std::size_t group_at(std::size_t g, std::size_t lines) noexcept {
    return (g / groups_a_line + 1 + g * lines) * line;
  }
  [[nodiscard]] constexpr std::size_t tile_bytes(std::size_t lines) const noexcept {
    return ((n_group + groups_a_line - 1) / groups_a_line + n_group * lines) * line;
  }
  [[nodiscard]] constexpr std::size_t low_multiplier_bytes() const noexcept {
    return (n_group + line - 1) / line * line;
  }
  [[nodiscard]] constexpr std::size_t low_lines() const noexcept { return (n_group + 1) / 2; }
  [[nodiscard]] constexpr std::size_t low_bytes() const noexcept { return low_multiplier_bytes() + low_lines() * line; }
};

/// m * nibble for every multiplier and nibble: with it, a group's multipliers cost products of low nibbles one shuffle.
alignas(64) inline constexpr auto multiplied_nibbles = [] {
  std::array<std::array<std::uint8_t, 16>, largest_multiplier + 1> all{};
  for (std::size_t m = 0; m < all.size(); ++m) {
    for (std::size_t k = 0; k < 16; ++k) all[m][k] = static_cast<std::uint8_t>(m * k);
  }
  return all;
}();

}  // namespace quipu::linear

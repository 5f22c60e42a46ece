/// @file The form in which products read weights fastest: sixteen rows side by side.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/tensor_type.hpp>

namespace quipu::linear {

/// Rows that lie side by side in a tile.
inline constexpr std::size_t packed_tile_rows = 16;
/// Columns of a block of a tile, and of a scale of rounded activations.
inline constexpr std::size_t packed_block = 32;
/// Columns that share the outer scales of K-quants.
inline constexpr std::size_t packed_super_block = 256;

/// How weights of a type lie in a tile. They are the numbers of the file, in another order:
/// w = scale * (code - offset) + minimum.
///
/// A block is 32 columns of 16 rows: scales first, sixteen of a kind; then codes, four columns of every row in turn.
/// Their lower four bits lie two to a byte, columns 0 .. 15 of the block in the low and 16 .. 31 in the high nibbles
/// (256 bytes); fifth and sixth bits in planes of 64 bytes after them, where byte 4 r + c has those of row r and
/// columns c, c + 4, ... (all eight of one bit each, or four of two). Codes of eight bits are one to a byte.
///
/// | type | before each super-block | before each block | codes |
/// |---|---|---|---|
/// | Q4_0, Q5_0, Q8_0 | | d (binary16) | 4, 5, 8 bits |
/// | Q4_1, Q5_1 | | d, m (binary16) | 4, 5 bits |
/// | Q4_K, Q5_K | d, dmin (binary16) | scale, minimum (8 bits) | 4, 5 bits |
/// | Q6_K | d (binary16) | scales of columns 0 .. 15 and 16 .. 31 (8 bits, signed) | 6 bits |
///
/// Q3_K and IQ4_NL become Q6_K and Q8_0 without a change of any number, at twice their size; Q2_K becomes Q8_0, each weight within 1/254 of
/// the largest of its 32 (see `tile_type_of`). Where memory is short `storage::as_stored` leaves them as they are.
///
/// Plain types have no blocks: a tile is its columns in turn, sixteen values each; those of BF16 two by two, the values of a row
/// side by side, as `vdpbf16ps` takes them.
struct packed_form {
  int n_bit = 0;             ///< of a code; 0: the type is not packed
  int offset = 0;
  bool has_minimum = false;
  bool is_super = false;     ///< of a K-quant, whose scales have two levels
  bool halves = false;       ///< a scale of its own for each 16 columns
  bool is_plain = false;     ///< F32, F16, BF16: values in place of codes
  bool pairs = false;        ///< plain columns two by two

  [[nodiscard]] constexpr std::size_t scale_bytes() const noexcept {
    return is_super ? 2 * packed_tile_rows : (has_minimum ? 2 : 1) * 2 * packed_tile_rows;
  }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return scale_bytes() + packed_tile_rows * packed_block * static_cast<std::size_t>(n_bit) / 8;
  }
  [[nodiscard]] constexpr std::size_t super_bytes() const noexcept {
    return is_super ? (has_minimum ? 2 : 1) * 2 * packed_tile_rows : 0;
  }
  /// Columns that a row must have a multiple of.
  [[nodiscard]] constexpr std::size_t unit() const noexcept {
    return is_plain ? (pairs ? 2 : 1) : is_super ? packed_super_block : packed_block;
  }
  /// @pre n_col is a multiple of `unit()`
  [[nodiscard]] constexpr std::size_t tile_bytes(std::size_t n_col) const noexcept {
    if (is_plain) return packed_tile_rows * n_col * static_cast<std::size_t>(n_bit) / 8;
    return n_col / packed_block * block_bytes() + n_col / packed_super_block * super_bytes();
  }
  /// Where block `b` of a tile begins.
  [[nodiscard]] constexpr std::size_t block_at(std::size_t b) const noexcept {
    return b * block_bytes() + (is_super ? (b / (packed_super_block / packed_block) + 1) * super_bytes() : 0);
  }
};

/// The type whose form weights of a type take in tiles: their own, but for some that have none.
[[nodiscard]] constexpr tensor_type tile_type_of(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::q3_k: return tensor_type::q6_k;
    case tensor_type::q2_k:
    case tensor_type::iq4_nl: return tensor_type::q8_0;
    default: return type;
  }
}

[[nodiscard]] constexpr packed_form packed_form_of(tensor_type type) noexcept {
  switch (tile_type_of(type)) {
    case tensor_type::q4_0: return {.n_bit = 4, .offset = 8};
    case tensor_type::q4_1: return {.n_bit = 4, .has_minimum = true};
    case tensor_type::q5_0: return {.n_bit = 5, .offset = 16};
    case tensor_type::q5_1: return {.n_bit = 5, .has_minimum = true};
    case tensor_type::q8_0: return {.n_bit = 8, .offset = 128};
    case tensor_type::q4_k: return {.n_bit = 4, .has_minimum = true, .is_super = true};
    case tensor_type::q5_k: return {.n_bit = 5, .has_minimum = true, .is_super = true};
    case tensor_type::q6_k: return {.n_bit = 6, .offset = 32, .is_super = true, .halves = true};
    case tensor_type::f32: return {.n_bit = 32, .is_plain = true};
    case tensor_type::f16: return {.n_bit = 16, .is_plain = true};
    case tensor_type::bf16: return {.n_bit = 16, .is_plain = true, .pairs = true};
    default: return {};
  }
}

/// Whether rows of this type and length can be packed.
[[nodiscard]] constexpr bool can_pack(tensor_type type, std::size_t n_col) noexcept {
  const packed_form form = packed_form_of(type);
  return form.n_bit != 0 && n_col > 0 && n_col % form.unit() == 0;
}

/// Bytes of all tiles of a matrix; the last has room for rows that are not there.  @pre `can_pack`
[[nodiscard]] constexpr std::size_t packed_bytes(tensor_type type, std::size_t n_row, std::size_t n_col) noexcept {
  return (n_row + packed_tile_rows - 1) / packed_tile_rows * packed_form_of(type).tile_bytes(n_col);
}

}  // namespace quipu::linear

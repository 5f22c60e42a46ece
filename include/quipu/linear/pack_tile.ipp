// What pack_tile.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_ALWAYS_INLINE
#include <quipu/io/k_blocks.hpp>  // unpack_k_scale
#include <quipu/io/quantise.hpp>
#include <quipu/io/small_blocks.hpp>  // iq4_nl_levels
#include <quipu/io/unaligned.hpp>
#include <quipu/linear/pack_tile.hpp>

namespace quipu::linear {

namespace detail {

/// Four neighbouring codes of a row, or what becomes of them, as one number: tiles take them four by four.
using four_codes = std::uint32_t;

/// 32 codes of one row as a tile has them. @see packed_form
struct packed_codes {
  four_codes low[8] = {};     // both nibbles of columns 0 .. 15 and 16 .. 31 in the first four; of 8 bits all eight
  four_codes planes[2] = {};  // fifth and sixth bits
};

/// Four of them side by side in a register.
using sixteen_codes = std::uint32_t __attribute__((vector_size(16)));

[[nodiscard]] inline four_codes four_at(const std::byte* at) noexcept { return io::load_unaligned<four_codes>(at); }

/// Two groups of four nibbles, each in the lower half of its byte, in the two halves of one.
[[nodiscard]] constexpr four_codes nibbles(four_codes first, four_codes second) noexcept {
  return (first & 0x0f0f0f0fu) | (second & 0x0f0f0f0fu) << 4;
}

/// Q4_0 to Q5_1: the nibbles of the file already lie as those of a tile.
/// @param block  of the row, its scales left out
[[nodiscard]] inline packed_codes small_codes(const std::byte* block, bool has_fifth) noexcept {
  packed_codes out;
  const std::uint32_t fifth = has_fifth ? four_at(block) : 0;  // bit k of column k
  for (std::size_t i = 0; i < 4; ++i) out.low[i] = four_at(block + (has_fifth ? 4 : 0) + 4 * i);
  for (unsigned c = 0; c < 4; ++c) {
    std::uint32_t bits = fifth >> c & 0x11111111u;  // every fourth, brought together
    bits = (bits | bits >> 3) & 0x03030303u;
    bits = (bits | bits >> 6) & 0x000f000fu;
    bits = (bits | bits >> 12) & 0xffu;
    out.planes[0] |= bits << 8 * c;
  }
  return out;
}

inline void byte_codes(const std::byte* block, packed_codes& out) noexcept {
  for (std::size_t i = 0; i < 8; i += 4) {
    const sixteen_codes q = io::load_unaligned<sixteen_codes>(block + 4 * i) ^ 0x80808080u;  // q + 128
    std::memcpy(out.low + i, &q, sizeof q);
  }
}

/// Four groups of columns of four rows: what was a row's stands side by side, then what was a group's. In registers this takes a
/// fifth of the time that it takes value by value.
/// @param from  of the first row   @param to  of the first group
QUIPU_ALWAYS_INLINE void turn_four(const packed_codes* rows, const four_codes* from, four_codes* to) noexcept {
  const auto row = [&](std::size_t r) __attribute__((always_inline)) {
    return io::load_unaligned<sixteen_codes>(reinterpret_cast<const std::byte*>(from) + r * sizeof *rows);
  };
  const sixteen_codes a = row(0), b = row(1), c = row(2), d = row(3);
  const sixteen_codes ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const sixteen_codes ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const sixteen_codes groups[4] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                                   __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5), __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7)};
  QUIPU_UNROLL
  for (std::size_t g = 0; g < 4; ++g) std::memcpy(to + g * packed_tile_rows, groups + g, sizeof groups[g]);
}

/// @param block  of Q4_K or Q5_K   @param group  of 32 columns
[[nodiscard]] inline packed_codes k_codes(const std::byte* block, std::size_t group, bool has_fifth) noexcept {
  packed_codes out;
  const std::byte* const high = block + 16;
  const std::byte* const low = high + (has_fifth ? 32 : 0) + group / 2 * 32;
  const std::size_t shift = group % 2 * 4;
  for (std::size_t i = 0; i < 4; ++i)
    out.low[i] = nibbles(four_at(low + 4 * i) >> shift, four_at(low + 16 + 4 * i) >> shift);
  for (std::size_t i = 0; has_fifth && i < 8; ++i)
    out.planes[0] |= (four_at(high + 4 * i) >> group & 0x01010101u) << i;
  return out;
}

/// @param block  of Q6_K   @param group  of 32 columns
[[nodiscard]] inline packed_codes six_bit_codes(const std::byte* block, std::size_t group) noexcept {
  packed_codes out;
  const std::size_t n = group / 4, j = group % 4;
  const std::byte* const low = block + 64 * n + 32 * (j % 2);
  const std::byte* const high = block + 128 + 32 * n;
  for (std::size_t i = 0; i < 4; ++i)
    out.low[i] = nibbles(four_at(low + 4 * i) >> j / 2 * 4, four_at(low + 16 + 4 * i) >> j / 2 * 4);
  for (std::size_t i = 0; i < 8; ++i)
    out.planes[i / 4] |= (four_at(high + 4 * i) >> 2 * j & 0x03030303u) << i % 4 * 2;
  return out;
}

/// @param block  of Q3_K   @param group  of 32 columns
/// @return its codes 0 .. 7 as those of Q6_K, which stand for the same numbers 28 higher
[[nodiscard]] inline packed_codes three_bit_codes(const std::byte* block, std::size_t group) noexcept {
  packed_codes out;
  const std::byte* const high = block;
  const std::byte* const low = block + 32 + group / 4 * 32;
  four_codes nibble[8];
  for (std::size_t i = 0; i < 8; ++i) {
    const four_codes third = four_at(high + 4 * i) >> group & 0x01010101u, two = four_at(low + 4 * i) >> group % 4 * 2 & 0x03030303u;
    nibble[i] = two | (third ^ 0x01010101u) * 12;  // 28 + 0 .. 3 and 32 + 0 .. 3
    out.planes[i / 4] |= (third + 0x01010101u) << i % 4 * 2;
  }
  for (std::size_t i = 0; i < 4; ++i) out.low[i] = nibbles(nibble[i], nibble[i + 4]);
  return out;
}

/// @param qs  16 bytes of nibbles of IQ4_NL   @return their levels + 128, as codes of Q8_0 are
[[nodiscard]] inline packed_codes level_codes(const std::byte* qs) noexcept {
  packed_codes out;
  for (int i = 0; i < 32; ++i) {
    const auto code = static_cast<std::uint8_t>(io::iq4_nl_levels[io::nibble_of(reinterpret_cast<const std::uint8_t*>(qs), i)] + 128);
    std::memcpy(reinterpret_cast<std::byte*>(out.low) + i, &code, 1);
  }
  return out;
}

/// Reads what row r has to say about one block of 32 columns, and writes its scales. @return whether they are finite
template <tensor_type Type>
QUIPU_ALWAYS_INLINE bool pack_block(const std::byte* row, std::size_t b, std::size_t r, std::byte* tile, packed_codes& codes) noexcept {
  constexpr packed_form form = packed_form_of(Type);
  constexpr std::size_t bytes = block_of(Type).bytes;
  constexpr std::size_t of_super = packed_super_block / packed_block;
  std::byte* const block = tile + form.block_at(b);
  bool finite = true;
  const auto is_finite = [](const std::byte* half) { return (io::load_unaligned<std::uint16_t>(half) & 0x7c00u) != 0x7c00u; };
  const auto copy_half = [&](const std::byte* from, std::byte* to) {
    finite = finite && is_finite(from);
    std::memcpy(to + 2 * r, from, 2);
  };
  if constexpr (form.is_super) {
    const std::byte* const at = row + b / of_super * bytes;
    const std::size_t group = b % of_super;
    std::byte* const outer = block - form.super_bytes();  // before the first block
    if constexpr (Type == tensor_type::q6_k) {
      codes = six_bit_codes(at, group);
      if (group == 0) copy_half(at + 208, outer);
      for (std::size_t i = 0; i < 2; ++i) block[i * packed_tile_rows + r] = at[192 + 2 * group + i];
    } else if constexpr (Type == tensor_type::q3_k) {
      codes = three_bit_codes(at, group);
      if (group == 0) copy_half(at + 108, outer);
      for (std::size_t i = 0; i < 2; ++i) {
        const int scale = io::unpack_q3_k_scale(reinterpret_cast<const std::uint8_t*>(at + 96), static_cast<int>(2 * group + i));
        block[i * packed_tile_rows + r] = static_cast<std::byte>(scale);
      }
    } else {
      codes = k_codes(at, group, form.n_bit == 5);
      if (group == 0) {
        copy_half(at, outer);
        copy_half(at + 2, outer + 2 * packed_tile_rows);
      }
      const io::k_scale_min s = io::unpack_k_scale(reinterpret_cast<const std::uint8_t*>(at + 4), static_cast<int>(group));
      block[r] = static_cast<std::byte>(s.scale);
      block[packed_tile_rows + r] = static_cast<std::byte>(s.minimum);
    }
  } else if constexpr (Type == tensor_type::q2_k) {
    const std::byte* const at = row + b / of_super * bytes;
    finite = is_finite(at + 80) && is_finite(at + 82);
    float w[packed_block];
    std::byte rounded[block_of(tensor_type::q8_0).bytes];
    io::dequantise_q2_k_group(at, static_cast<int>(b % of_super), w);
    io::quantise_q8_0(w, rounded);
    copy_half(rounded, block);
    byte_codes(rounded + 2, codes);
  } else {
    const std::byte* const at = row + b * bytes;
    constexpr std::size_t n_scale = form.has_minimum ? 2 : 1;
    for (std::size_t i = 0; i < n_scale; ++i) copy_half(at + 2 * i, block + 2 * packed_tile_rows * i);
    if constexpr (Type == tensor_type::iq4_nl) {
      codes = level_codes(at + 2);
    } else if constexpr (form.n_bit == 8) {
      byte_codes(at + 2, codes);
    } else {
      codes = small_codes(at + 2 * n_scale, form.n_bit == 5);
    }
  }
  return finite;
}

template <tensor_type Type>
bool pack_rows(const std::byte* rows, std::size_t stride, std::size_t n_row, std::size_t n_col, std::byte* tile) noexcept {
  bool finite = true;
  constexpr packed_form form = packed_form_of(Type);
  constexpr std::size_t n_low = form.n_bit == 8 ? 8 : 4, n_plane = form.n_bit == 8 ? 0 : static_cast<std::size_t>(form.n_bit) - 4;
  packed_codes codes[packed_tile_rows];  // of rows that are not there: 0
  // Along the tile: what is written lies together, and each row is read in order.
  for (std::size_t b = 0; b < n_col / packed_block; ++b) {
    for (std::size_t r = 0; r < n_row; ++r) finite = pack_block<Type>(rows + r * stride, b, r, tile, codes[r]) && finite;
    four_codes columns[n_low + n_plane][packed_tile_rows];
    for (std::size_t r = 0; r < packed_tile_rows; r += 4) {
      for (std::size_t g = 0; g < n_low; g += 4) turn_four(codes + r, codes[r].low + g, columns[g] + r);
    }
    for (std::size_t g = 0; g < n_plane; ++g) {
      for (std::size_t r = 0; r < packed_tile_rows; ++r) columns[n_low + g][r] = codes[r].planes[g];
    }
    std::memcpy(tile + form.block_at(b) + form.scale_bytes(), columns, sizeof columns);
  }
  return finite;
}

/// Columns in turn; those of bf16 two by two. @tparam Bits  of a value, or of two that stay side by side
template <class Bits, std::size_t Values>
bool pack_plain(const std::byte* rows, std::size_t stride, std::size_t n_row, std::size_t n_col, std::byte* tile) noexcept {
  constexpr std::size_t at_once = 16;  // of each row, so that what is written stays in the nearest cache
  for (std::size_t first = 0; first < n_col / Values; first += at_once) {
    const std::size_t end = std::min(first + at_once, n_col / Values);
    for (std::size_t r = 0; r < n_row; ++r) {
      const std::byte* const row = rows + r * stride;
      for (std::size_t k = first; k < end; ++k)
        std::memcpy(tile + (k * packed_tile_rows + r) * sizeof(Bits), row + k * sizeof(Bits), sizeof(Bits));
    }
  }
  return true;  // whether all is finite shows in the results
}

}  // namespace detail

QUIPU_INLINE bool pack_tile(tensor_type type, const std::byte* rows, std::size_t stride, std::size_t n_row,
                            std::size_t n_col, std::byte* tile) noexcept {
  using enum tensor_type;
  if (n_row < packed_tile_rows) std::memset(tile, 0, packed_form_of(type).tile_bytes(n_col));
  switch (type) {
    case q4_0: return detail::pack_rows<q4_0>(rows, stride, n_row, n_col, tile);
    case q4_1: return detail::pack_rows<q4_1>(rows, stride, n_row, n_col, tile);
    case q5_0: return detail::pack_rows<q5_0>(rows, stride, n_row, n_col, tile);
    case q5_1: return detail::pack_rows<q5_1>(rows, stride, n_row, n_col, tile);
    case q8_0: return detail::pack_rows<q8_0>(rows, stride, n_row, n_col, tile);
    case q4_k: return detail::pack_rows<q4_k>(rows, stride, n_row, n_col, tile);
    case q5_k: return detail::pack_rows<q5_k>(rows, stride, n_row, n_col, tile);
    case q6_k: return detail::pack_rows<q6_k>(rows, stride, n_row, n_col, tile);
    case q3_k: return detail::pack_rows<q3_k>(rows, stride, n_row, n_col, tile);
    case q2_k: return detail::pack_rows<q2_k>(rows, stride, n_row, n_col, tile);
    case iq4_nl: return detail::pack_rows<iq4_nl>(rows, stride, n_row, n_col, tile);
    case f32: return detail::pack_plain<std::uint32_t, 1>(rows, stride, n_row, n_col, tile);
    case f16: return detail::pack_plain<std::uint16_t, 1>(rows, stride, n_row, n_col, tile);
    case bf16: return detail::pack_plain<std::uint32_t, 2>(rows, stride, n_row, n_col, tile);
    default: return false;  // excluded by the precondition
  }
}

}  // namespace quipu::linear

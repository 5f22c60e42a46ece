/// @file The loops of products of rounded activations with packed weights, as one table for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/isa.hpp>
#include <quipu/core/scalar.hpp>  // bf16
#include <quipu/core/tensor_type.hpp>
#include <quipu/linear/packed_form.hpp>

namespace quipu::linear {

/// Bits of a rounded activation.
enum class activation_bits : std::uint8_t { eight, sixteen };

/// The largest whole number that a value of so many bits is rounded to. With sixteen, q = 256 high + low, and both
/// halves are signed bytes.
[[nodiscard]] constexpr int largest_rounded(activation_bits bits) noexcept {
  return bits == activation_bits::eight ? 127 : 127 * 256 + 127;
}

/// The forms of a rounded activation that a set's `multiply` reads: its `round` fills these and no others.
enum class rounded_form : std::uint8_t {
  pairs,   ///< `pairs`
  bytes,   ///< `pairs`, and `high` of eight bits
  planes,  ///< `high`, and `low` of sixteen bits
};
[[nodiscard]] constexpr bool reads_pairs(rounded_form form) noexcept { return form != rounded_form::planes; }
[[nodiscard]] constexpr bool reads_high(rounded_form form, activation_bits bits) noexcept {
  return form == rounded_form::planes || (form == rounded_form::bytes && bits == activation_bits::eight);
}
[[nodiscard]] constexpr bool reads_low(rounded_form form, activation_bits bits) noexcept {
  return form == rounded_form::planes && bits == activation_bits::sixteen;
}

/// Rows of activations rounded to whole numbers, with a scale for each 32: x = d * q. Forms of q that are not read are null. The
/// error is at most half of d, which is the block's largest value over `largest_rounded`.
struct rounded_rows {
  std::int16_t* pairs;  ///< (n_row, n) of every four columns the first and third, then the second and fourth
  std::int8_t* high;    ///< (n_row, n) upper halves; of eight bits q itself
  std::int8_t* low;     ///< (n_row, n) lower halves
  float* d;             ///< (n_row, n / 32)
  std::int32_t* sums;   ///< (n_row, n / 16) of q

  /// @param n  values in a row, a multiple of 32
  [[nodiscard]] rounded_rows from_row(std::size_t t, std::size_t n) const noexcept {
    const auto from = [&](auto* form) { return form == nullptr ? nullptr : form + t * n; };
    return {from(pairs), from(high), from(low), d + t * (n / packed_block), sums + t * (n / 16)};
  }
};

/// Loops that differ between instruction sets. Whole numbers are added exactly, and scaled sums block by block, so a
/// result depends neither on the rows beside it nor on the number of threads.
struct packed_kernel_table {
  instruction_set set;
  rounded_form form;

  /// Rounds one row.  @pre n is a multiple of 32
  void (*round)(const float* x, std::size_t n, activation_bits bits, rounded_rows out) noexcept;

  /// y[t * y_stride + i] = row i of the tile times activation row t, for 16 rows and `n_token` activation rows.
  /// @pre `type` is a `tile_type_of`
  void (*multiply)(tensor_type type, activation_bits bits, const std::byte* tile, rounded_rows x, std::size_t n_token,
                   std::size_t n, float* y, std::size_t y_stride) noexcept;

  /// The same for plain types and `n_token` rows of floats, `x_stride` values apart.
  void (*multiply_plain)(tensor_type type, const std::byte* tile, const float* x, std::size_t x_stride, std::size_t n_token,
                         std::size_t n, float* y, std::size_t y_stride) noexcept;

  /// The same for BF16 and rows of activations that `round_bf16` made. Both are null if the processor has no products of bf16.
  void (*multiply_bf16)(const std::byte* tile, const bf16* x, std::size_t x_stride, std::size_t n_token, std::size_t n, float* y,
                        std::size_t y_stride) noexcept = nullptr;
  void (*round_bf16)(const float* x, std::size_t n, bf16* out) noexcept = nullptr;
};

}  // namespace quipu::linear

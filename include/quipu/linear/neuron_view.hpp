/// @file Rows of weights as kernels that skip neurons read them, in plain values or in codes with their scales behind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/tensor_type.hpp>

namespace quipu::linear {

/// How a row lies in memory. Rows of whole numbers are their codes and then one binary16 scale for each 32 columns: apart, so
/// that codes are read in whole lines of the cache.
enum class row_form : std::uint8_t {
  f64,
  f32,
  f16,
  bf16,
  q8,  ///< w = d q, q a signed byte: the numbers of Q8_0
  q4,  ///< w = d (q - 8), nibbles placed as in `block_q4_0`: the numbers of Q4_0
};

[[nodiscard]] constexpr std::string_view name_of(row_form form) noexcept {
  switch (form) {
    case row_form::f64: return "f64";
    case row_form::f32: return "f32";
    case row_form::f16: return "f16";
    case row_form::bf16: return "bf16";
    case row_form::q8: return "q8";
    case row_form::q4: return "q4";
  }
  return "?";
}

/// Columns that share a scale. Rows of every form are filled up with zeros to a multiple of it.
inline constexpr std::size_t row_block = 32;

/// Blocks of a row of `n_col` columns.
[[nodiscard]] constexpr std::size_t row_blocks(std::size_t n_col) noexcept { return (n_col + row_block - 1) / row_block; }

/// Whether rows are codes with scales.
[[nodiscard]] constexpr bool has_scales(row_form form) noexcept { return form == row_form::q8 || form == row_form::q4; }

/// Bytes of the values or codes of one block.
[[nodiscard]] constexpr std::size_t block_bytes(row_form form) noexcept {
  switch (form) {
    case row_form::f64: return row_block * 8;
    case row_form::f32: return row_block * 4;
    case row_form::f16:
    case row_form::bf16: return row_block * 2;
    case row_form::q8: return row_block;
    case row_form::q4: return row_block / 2;
  }
  return 0;
}

/// Where the scales of a row begin.
[[nodiscard]] constexpr std::size_t scales_at(row_form form, std::size_t n_col) noexcept {
  return row_blocks(n_col) * block_bytes(form);
}

/// Bytes of a row, a whole number of lines of the cache.
[[nodiscard]] constexpr std::size_t bytes_of_row(row_form form, std::size_t n_col) noexcept {
  return (scales_at(form, n_col) + (has_scales(form) ? row_blocks(n_col) * 2 : 0) + 63) / 64 * 64;
}

/// (rows, cols) weights in somebody else's memory: row i belongs to neuron i.
struct neuron_view {
  row_form form = row_form::f32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  const std::byte* data = nullptr;  ///< aligned to 64 bytes
  std::size_t stride = 0;           ///< bytes from a row to the next, a multiple of 64

  [[nodiscard]] const std::byte* row(std::size_t r) const noexcept {
    QUIPU_ASSERT(r < rows);
    return data + r * stride;
  }
  /// Bytes that reading one row takes.
  [[nodiscard]] std::size_t row_bytes() const noexcept { return bytes_of_row(form, cols); }
};

}  // namespace quipu::linear

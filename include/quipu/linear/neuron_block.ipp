// What neuron_block.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <quipu/core/scalar.hpp>
#include <quipu/io/quantise.hpp>  // quantise_q4_0
#include <quipu/io/unaligned.hpp>
#include <quipu/linear/neuron_block.hpp>

namespace quipu::linear {

namespace detail {

/// The largest magnitude as bits: they order magnitudes, and put infinity and NaN above all numbers.
[[nodiscard]] inline std::uint32_t largest_bits(const float* w) noexcept {
  std::uint32_t most[4] = {};  // apart, so that comparisons need not wait for each other
  for (std::size_t k = 0; k < row_block; ++k) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(w[k]) & 0x7fffffffu;
    most[k % 4] = bits > most[k % 4] ? bits : most[k % 4];
  }
  return std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
}

/// @param most  largest |w|
[[nodiscard]] inline narrowing narrow_q8(const float* w, float most, std::byte* codes, std::byte* scale, float* held) noexcept {
  std::uint16_t bits = float_to_f16_bits(most / 127.0f);
  // Rounded down, or to 0, the scale may not reach the largest.
  while (bits < 0x7c00u && most > 127.5f * f16_bits_to_float(bits)) ++bits;
  if (bits >= 0x7c00u) return narrowing::too_large;
  const float d = f16_bits_to_float(bits), inverse = d > 0 ? 1.0f / d : 0.0f;
  io::store_unaligned(scale, bits);
  for (std::size_t k = 0; k < row_block; ++k) {
    constexpr float whole = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to whole numbers, halves to even
    const float q = std::min(std::max(w[k] * inverse + whole - whole, -127.0f), 127.0f);
    codes[k] = static_cast<std::byte>(static_cast<std::int8_t>(q));
    held[k] = d * q;
  }
  return narrowing::done;
}

[[nodiscard]] inline narrowing narrow_q4(const float* w, std::byte* codes, std::byte* scale, float* held) noexcept {
  std::byte block[18];
  io::quantise_q4_0(w, block);
  const auto bits = io::load_unaligned<std::uint16_t>(block);
  if ((bits & 0x7fffu) >= 0x7c00u) return narrowing::too_large;
  std::memcpy(scale, block, 2);
  std::memcpy(codes, block + 2, 16);
  for (std::size_t k = 0; k < row_block; ++k) {
    const int both = std::to_integer<int>(codes[k % 16]);
    held[k] = f16_bits_to_float(bits) * static_cast<float>((k < 16 ? both & 15 : both >> 4) - 8);
  }
  return narrowing::done;
}

}  // namespace detail

template <class Wide>
narrowing narrow_block(row_form form, const Wide* w, std::byte* codes, std::byte* scale, squared_error& sums) noexcept {
  float single[row_block], held[row_block];
  for (std::size_t k = 0; k < row_block; ++k) single[k] = static_cast<float>(w[k]);
  const std::uint32_t most = detail::largest_bits(single);
  if (most >= 0x7f800000u) {
    for (std::size_t k = 0; k < row_block; ++k) {
      if (!std::isfinite(w[k])) return narrowing::not_finite;
    }
    if (form != row_form::f64) return narrowing::too_large;
  }
  narrowing result = narrowing::done;
  switch (form) {
    case row_form::f64:
      for (std::size_t k = 0; k < row_block; ++k) io::store_unaligned(codes + 8 * k, static_cast<double>(w[k]));
      return result;
    case row_form::f32:
      std::memcpy(codes, single, sizeof single);
      if constexpr (std::is_same_v<Wide, float>) return result;
      std::memcpy(held, single, sizeof held);
      break;
    case row_form::f16:
      for (std::size_t k = 0; k < row_block; ++k) {
        const std::uint16_t bits = float_to_f16_bits(single[k]);
        if ((bits & 0x7fffu) >= 0x7c00u) return narrowing::too_large;
        io::store_unaligned(codes + 2 * k, bits);
        held[k] = f16_bits_to_float(bits);
      }
      break;
    case row_form::bf16:
      for (std::size_t k = 0; k < row_block; ++k) {
        const std::uint16_t bits = float_to_bf16_bits(single[k]);
        if ((bits & 0x7fffu) >= 0x7f80u) return narrowing::too_large;
        io::store_unaligned(codes + 2 * k, bits);
        held[k] = bf16_bits_to_float(bits);
      }
      break;
    case row_form::q8: result = detail::narrow_q8(single, std::bit_cast<float>(most), codes, scale, held); break;
    case row_form::q4: result = detail::narrow_q4(single, codes, scale, held); break;
  }
  if (result != narrowing::done) return result;
  for (std::size_t k = 0; k < row_block; ++k) {
    const double value = static_cast<double>(w[k]), difference = value - static_cast<double>(held[k]);
    sums.error += difference * difference;
    sums.total += value * value;
  }
  return result;
}

#if defined(QUIPU_COMPILED)
template narrowing narrow_block<float>(row_form, const float*, std::byte*, std::byte*, squared_error&) noexcept;
template narrowing narrow_block<double>(row_form, const double*, std::byte*, std::byte*, squared_error&) noexcept;
#endif

}  // namespace quipu::linear

// What quantise.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/error.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

// The arithmetic of all blocks is that of llama.cpp's `quantize_row_*_ref` (ggml-quants.c), in float and with every
// product rounded before anything is added to it: that decides on which side an exact half falls.

namespace detail {

/// A product that the compiler must not fuse into the sum that it stands in: fused, it would not be rounded, and an
/// exact half would fall to the other side on processors that can do so.
[[nodiscard]] inline float rounded_product(float a, float b) noexcept {
  const volatile float product = a * b;
  return product;
}

/// Truncates to 0..largest; NaN gives 0, so that hostile weights stay defined.
[[nodiscard]] inline int clamp_level(float level, int largest) noexcept {
  if (!(level > 0)) return 0;
  return level >= static_cast<float>(largest) ? largest : static_cast<int>(level);
}

[[nodiscard]] inline float reciprocal_or_zero(float d) noexcept { return d == 0 ? 0.0f : 1.0f / d; }

inline void store_scale(std::byte* to, float scale) noexcept { store_unaligned(to, float_to_f16_bits(scale)); }

/// Levels of the two halves of a block in 16 bytes: element i < 16 in the low nibble of byte i, element i + 16 in the
/// high one.
inline void store_nibbles(const int* levels, std::byte* to) noexcept {
  for (int i = 0; i < 16; ++i) {
    store_unaligned(to + i, static_cast<std::uint8_t>((levels[i] & 15) | ((levels[i + 16] & 15) << 4)));
  }
}

/// The fifth bits of 32 levels, element i in bit i.
inline void store_fifth_bits(const int* levels, std::byte* to) noexcept {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= static_cast<std::uint32_t>(levels[i] >> 4) << i;
  store_unaligned(to, bits);
}

/// Blocks around zero: d = (entry of largest magnitude) / -half, q = trunc(w / d + half + 0.5), w = d (q - half).
/// @return d
[[nodiscard]] inline float centred_levels(const float* w, int half, int* levels) noexcept {
  float extreme = 0;
  for (int i = 0; i < 32; ++i) extreme = std::fabs(w[i]) > std::fabs(extreme) ? w[i] : extreme;
  const float d = extreme / static_cast<float>(-half);
  const float inverse = reciprocal_or_zero(d);
  const float middle = static_cast<float>(half) + 0.5f;
  for (int i = 0; i < 32; ++i) levels[i] = clamp_level(rounded_product(w[i], inverse) + middle, 2 * half - 1);
  return d;
}

/// Blocks with a minimum: m = min, d = (max - min) / largest, q = trunc((w - m) / d + 0.5), w = d q + m.
struct range {
  float d;
  float m;
};

[[nodiscard]] inline range ranged_levels(const float* w, int largest, int* levels) noexcept {
  float low = w[0];
  float high = w[0];
  for (int i = 1; i < 32; ++i) {
    low = w[i] < low ? w[i] : low;
    high = w[i] > high ? w[i] : high;
  }
  const float d = (high - low) / static_cast<float>(largest);
  const float inverse = reciprocal_or_zero(d);
  for (int i = 0; i < 32; ++i) levels[i] = clamp_level(rounded_product(w[i] - low, inverse) + 0.5f, largest);
  return {d, low};
}

}  // namespace detail

QUIPU_INLINE void quantise_q8_0(const float* w, std::byte* block) noexcept {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::fabs(w[i]) > largest ? std::fabs(w[i]) : largest;
  const float d = largest / 127.0f;
  const float inverse = detail::reciprocal_or_zero(d);
  detail::store_scale(block, d);
  for (int i = 0; i < 32; ++i) {
    const float level = std::round(w[i] * inverse);
    const bool in_range = level >= -128.0f && level <= 127.0f;  // false for NaN too
    store_unaligned(block + 2 + i, static_cast<std::int8_t>(in_range ? level : 0.0f));
  }
}

QUIPU_INLINE void quantise_q4_0(const float* w, std::byte* block) noexcept {
  int levels[32];
  detail::store_scale(block, detail::centred_levels(w, 8, levels));
  detail::store_nibbles(levels, block + 2);
}

QUIPU_INLINE void quantise_q4_1(const float* w, std::byte* block) noexcept {
  int levels[32];
  const auto [d, m] = detail::ranged_levels(w, 15, levels);
  detail::store_scale(block, d);
  detail::store_scale(block + 2, m);
  detail::store_nibbles(levels, block + 4);
}

QUIPU_INLINE void quantise_q5_0(const float* w, std::byte* block) noexcept {
  int levels[32];
  detail::store_scale(block, detail::centred_levels(w, 16, levels));
  detail::store_fifth_bits(levels, block + 2);
  detail::store_nibbles(levels, block + 6);
}

QUIPU_INLINE void quantise_q5_1(const float* w, std::byte* block) noexcept {
  int levels[32];
  const auto [d, m] = detail::ranged_levels(w, 31, levels);
  detail::store_scale(block, d);
  detail::store_scale(block + 2, m);
  detail::store_fifth_bits(levels, block + 4);
  detail::store_nibbles(levels, block + 8);
}

QUIPU_INLINE void quantise_row(tensor_type type, const float* src, std::byte* dst, std::size_t n) {
  const block_shape block = block_of(type);
  QUIPU_ASSERT(n % block.elements == 0);
  if (!can_quantise(type)) {
    fail<config_error>("quantise_row: type", quantised_type_names, name_of(type));
  }
  for (std::size_t i = 0; i < n; i += block.elements, dst += block.bytes) {
    switch (type) {
      case tensor_type::f64: store_unaligned(dst, static_cast<double>(src[i])); break;
      case tensor_type::f32: store_unaligned(dst, src[i]); break;
      case tensor_type::f16: store_unaligned(dst, float_to_f16_bits(src[i])); break;
      case tensor_type::bf16: store_unaligned(dst, float_to_bf16_bits(src[i])); break;
      case tensor_type::q8_0: quantise_q8_0(src + i, dst); break;
      case tensor_type::q4_0: quantise_q4_0(src + i, dst); break;
      case tensor_type::q4_1: quantise_q4_1(src + i, dst); break;
      case tensor_type::q5_0: quantise_q5_0(src + i, dst); break;
      case tensor_type::q5_1: quantise_q5_1(src + i, dst); break;
      default: break;
    }
  }
}

}  // namespace quipu::io

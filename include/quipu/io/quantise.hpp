/// @file Float rows as stored rows: F64, F32, F16, BF16, Q8_0, Q4_0 and Q4_1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/error.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

namespace detail {

/// Truncates to 0..15; NaN gives 0, so that hostile weights stay defined.
[[nodiscard]] inline int clamp_nibble(double level) noexcept {
  if (!(level > 0)) return 0;
  return level >= 15 ? 15 : static_cast<int>(level);
}

[[nodiscard]] inline float reciprocal_or_zero(float d) noexcept { return d == 0 ? 0.0f : 1.0f / d; }

inline void store_scale(std::byte* to, float scale) noexcept {
  store_unaligned(to, float_to_f16_bits(scale));
}

}  // namespace detail

/// 32 weights to 34 bytes: d = max|w| / 127, q = w / d rounded half away from zero.
inline void quantise_q8_0(const float* w, std::byte* block) noexcept {
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

/// 32 weights to 18 bytes: d = (entry of largest magnitude) / -8, q = trunc(w / d + 8.5).
///
/// The sum is formed in double, as gguf-py does: in float its last bit would depend on whether the
/// compiler fuses the product into it.
inline void quantise_q4_0(const float* w, std::byte* block) noexcept {
  float extreme = 0;
  for (int i = 0; i < 32; ++i) extreme = std::fabs(w[i]) > std::fabs(extreme) ? w[i] : extreme;
  const float d = extreme / -8.0f;
  const double inverse = detail::reciprocal_or_zero(d);
  detail::store_scale(block, d);
  for (int i = 0; i < 16; ++i) {
    const int low = detail::clamp_nibble(static_cast<double>(w[i]) * inverse + 8.5);
    const int high = detail::clamp_nibble(static_cast<double>(w[i + 16]) * inverse + 8.5);
    store_unaligned(block + 2 + i, static_cast<std::uint8_t>(low | (high << 4)));
  }
}

/// 32 weights to 20 bytes: m = min, d = (max - min) / 15, q = trunc((w - m) / d + 0.5).
inline void quantise_q4_1(const float* w, std::byte* block) noexcept {
  float low = w[0];
  float high = w[0];
  for (int i = 1; i < 32; ++i) {
    low = w[i] < low ? w[i] : low;
    high = w[i] > high ? w[i] : high;
  }
  const float d = (high - low) / 15.0f;
  const float inverse = detail::reciprocal_or_zero(d);
  detail::store_scale(block, d);
  detail::store_scale(block + 2, low);
  const auto level = [&](float value) {
    const volatile float scaled = (value - low) * inverse;  // volatile: not to be fused into the sum
    return detail::clamp_nibble(scaled + 0.5f);
  };
  for (int i = 0; i < 16; ++i) {
    const int packed = level(w[i]) | (level(w[i + 16]) << 4);
    store_unaligned(block + 4 + i, static_cast<std::uint8_t>(packed));
  }
}

/// True for the types that `quantise_row` writes.
[[nodiscard]] constexpr bool can_quantise(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f64:
    case tensor_type::f32:
    case tensor_type::f16:
    case tensor_type::bf16:
    case tensor_type::q8_0:
    case tensor_type::q4_0:
    case tensor_type::q4_1: return true;
    default: return false;
  }
}

/// Stores `n` floats as `type`, with the bytes that llama.cpp's and gguf-py's quantisation give.
///
/// Non-finite weights give defined bytes that dequantise to something meaningless.
/// @param src  (n)
/// @param dst  row_bytes(type, n) bytes, any alignment; out
/// @pre `n` is a multiple of `block_of(type).elements`
/// @throws config_error  `can_quantise(type)` is false
inline void quantise_row(tensor_type type, const float* src, std::byte* dst, std::size_t n) {
  const block_shape block = block_of(type);
  QUIPU_ASSERT(n % block.elements == 0);
  if (!can_quantise(type)) {
    fail<config_error>("quantise_row: type", "F64, F32, F16, BF16, Q8_0, Q4_0 or Q4_1", name_of(type));
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
      default: break;
    }
  }
}

}  // namespace quipu::io

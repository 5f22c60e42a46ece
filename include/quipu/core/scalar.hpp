/// @file The 16-bit floating-point value types `bf16` and `f16` and their exact conversions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_HOST_DEVICE

namespace quipu {

/// Widens an IEEE binary16 bit pattern to binary32; exact, NaN payloads kept.
[[nodiscard]] QUIPU_HOST_DEVICE constexpr float f16_bits_to_float(std::uint16_t h) noexcept {
  const std::uint32_t sign = std::uint32_t{h & 0x8000u} << 16;
  const std::uint32_t exponent = (h >> 10) & 0x1fu;
  std::uint32_t mantissa = h & 0x3ffu;
  if (exponent == 0x1fu) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  }
  if (mantissa == 0) return std::bit_cast<float>(sign);
  std::uint32_t shift = 0;  // subnormal: normalise into binary32, which has the room
  while ((mantissa & 0x400u) == 0) {
    mantissa <<= 1;
    ++shift;
  }
  return std::bit_cast<float>(sign | ((113u - shift) << 23) | ((mantissa & 0x3ffu) << 13));
}

/// Rounds binary32 to binary16, to nearest and ties to even, as F16C and numpy do.
[[nodiscard]] QUIPU_HOST_DEVICE constexpr std::uint16_t float_to_f16_bits(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {  // NaN: keep the upper payload, stay quiet
    return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds to infinity
  if (magnitude < 0x38800000u) {                                                    // subnormal or zero
    if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);
    const std::uint32_t shift = 126u - (magnitude >> 23);  // 14..24
    const std::uint32_t full = (magnitude & 0x7fffffu) | 0x800000u;
    std::uint32_t result = full >> shift;
    const std::uint32_t rest = full & ((1u << shift) - 1u);
    const std::uint32_t half = 1u << (shift - 1u);
    if (rest > half || (rest == half && (result & 1u) != 0)) ++result;
    return static_cast<std::uint16_t>(sign | result);
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

/// Rounds binary32 to bfloat16, to nearest and ties to even; NaN stays NaN.
[[nodiscard]] QUIPU_HOST_DEVICE constexpr std::uint16_t float_to_bf16_bits(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Widens a bfloat16 bit pattern to binary32; exact.
[[nodiscard]] QUIPU_HOST_DEVICE constexpr float bf16_bits_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

/// IEEE binary16 as stored in checkpoints and caches. Arithmetic happens in `float`.
struct f16 {
  std::uint16_t bits = 0;

  constexpr f16() = default;
  QUIPU_HOST_DEVICE constexpr explicit f16(float value) noexcept : bits(float_to_f16_bits(value)) {}
  QUIPU_HOST_DEVICE constexpr operator float() const noexcept { return f16_bits_to_float(bits); }
  [[nodiscard]] static constexpr f16 from_bits(std::uint16_t b) noexcept {
    f16 h;
    h.bits = b;
    return h;
  }
};

/// bfloat16: the upper half of a binary32. Arithmetic happens in `float`.
struct bf16 {
  std::uint16_t bits = 0;

  constexpr bf16() = default;
  QUIPU_HOST_DEVICE constexpr explicit bf16(float value) noexcept
      : bits(float_to_bf16_bits(value)) {}
  QUIPU_HOST_DEVICE constexpr operator float() const noexcept { return bf16_bits_to_float(bits); }
  [[nodiscard]] static constexpr bf16 from_bits(std::uint16_t b) noexcept {
    bf16 h;
    h.bits = b;
    return h;
  }
};

static_assert(sizeof(f16) == 2 && sizeof(bf16) == 2);
static_assert(static_cast<float>(f16(1.5f)) == 1.5f && static_cast<float>(bf16(-2.0f)) == -2.0f);
static_assert(float_to_f16_bits(65520.0f) == 0x7c00u && float_to_f16_bits(65519.0f) == 0x7bffu);
static_assert(float_to_f16_bits(5.9604645e-8f) == 1u);

}  // namespace quipu

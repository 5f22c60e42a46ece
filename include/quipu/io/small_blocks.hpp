/// @file Dequantisation of ggml's blocks of 32 weights: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and IQ4_NL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/scalar.hpp>   // f16_bits_to_float
#include <quipu/io/unaligned.hpp>  // load_unaligned

// Source of all layouts: llama.cpp, `ggml-common.h`. Element i < 16 is the low nibble of byte i, element
// i + 16 its high nibble.

namespace quipu::io {

inline constexpr std::size_t small_block_elements = 32;

/// The 16 levels of IQ4_NL. Source: llama.cpp, `kvalues_iq4nl`.
inline constexpr std::int8_t iq4_nl_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                  1,    13,   25,  38,  53,  69,  89,  113};

/// Element i (0..31) of 16 bytes of nibbles.
[[nodiscard]] constexpr int nibble_of(const std::uint8_t* qs, int i) noexcept {
  return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}

/// w = d * (q - 8).   @param block  18 bytes: d, qs (16)   @param w  (32) out
inline void dequantise_q4_0(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const auto* qs = reinterpret_cast<const std::uint8_t*>(block + 2);
  for (int i = 0; i < 32; ++i) w[i] = d * static_cast<float>(nibble_of(qs, i) - 8);
}

/// w = d * q + m.   @param block  20 bytes: d, m, qs (16)   @param w  (32) out
inline void dequantise_q4_1(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const float m = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 2));
  const auto* qs = reinterpret_cast<const std::uint8_t*>(block + 4);
  for (int i = 0; i < 32; ++i) w[i] = d * static_cast<float>(nibble_of(qs, i)) + m;
}

/// w = d * (q - 16).   @param block  22 bytes: d, fifth bits (4), qs (16)   @param w  (32) out
inline void dequantise_q5_0(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const auto fifth = load_unaligned<std::uint32_t>(block + 2);
  const auto* qs = reinterpret_cast<const std::uint8_t*>(block + 6);
  for (int i = 0; i < 32; ++i) {
    const int q = nibble_of(qs, i) | static_cast<int>(((fifth >> i) & 1u) << 4);
    w[i] = d * static_cast<float>(q - 16);
  }
}

/// w = d * q + m.   @param block  24 bytes: d, m, fifth bits (4), qs (16)   @param w  (32) out
inline void dequantise_q5_1(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const float m = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 2));
  const auto fifth = load_unaligned<std::uint32_t>(block + 4);
  const auto* qs = reinterpret_cast<const std::uint8_t*>(block + 8);
  for (int i = 0; i < 32; ++i) {
    const int q = nibble_of(qs, i) | static_cast<int>(((fifth >> i) & 1u) << 4);
    w[i] = d * static_cast<float>(q) + m;
  }
}

/// w = d * q.   @param block  34 bytes: d, qs (32, signed)   @param w  (32) out
inline void dequantise_q8_0(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const auto* qs = reinterpret_cast<const std::int8_t*>(block + 2);
  for (int i = 0; i < 32; ++i) w[i] = d * static_cast<float>(qs[i]);
}

/// w = d * level[q].   @param block  18 bytes: d, qs (16)   @param w  (32) out
inline void dequantise_iq4_nl(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const auto* qs = reinterpret_cast<const std::uint8_t*>(block + 2);
  for (int i = 0; i < 32; ++i) w[i] = d * static_cast<float>(iq4_nl_levels[nibble_of(qs, i)]);
}

}  // namespace quipu::io

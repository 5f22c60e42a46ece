/// @file Dequantisation of ggml's super-blocks of 256 weights: Q2_K, Q3_K, Q4_K, Q5_K and Q6_K.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/scalar.hpp>   // f16_bits_to_float
#include <quipu/io/unaligned.hpp>  // load_unaligned

// Source of all layouts: llama.cpp, `ggml-common.h`. Element e of a super-block is addressed by
// half n = e / 128, group j = e / 32 % 4 and l = e % 32 (Q2_K, Q3_K, Q6_K), or by quarter g = e / 64,
// nibble h = e / 32 % 2 and l (Q4_K, Q5_K). A binary16 scale times its 4- to 8-bit factors is exact in
// binary32, so no order of the products and no fused multiply-add changes a bit.

namespace quipu::io {

inline constexpr std::size_t k_block_elements = 256;

/// The 6-bit scale and minimum of 32 weights in the packing that Q4_K and Q5_K share.
struct k_scale_min {
  int scale;
  int minimum;
};

/// @param packed  12 bytes
/// @param group   0..7
[[nodiscard]] constexpr k_scale_min unpack_k_scale(const std::uint8_t* packed, int group) noexcept {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | ((packed[group - 4] >> 6) << 4),
          (packed[group + 4] >> 4) | ((packed[group] >> 6) << 4)};
}

/// w = d * scale * q - dmin * minimum; q of 2 bits, 16 weights a (scale, minimum) of 4 bits each.
/// @param block  84 bytes: scales (16), qs (64), d, dmin
/// @param group  0..7, of 32 weights
/// @param w      (32) out
inline void dequantise_q2_k_group(const std::byte* block, int group, float* w) noexcept {
  const auto* scales = reinterpret_cast<const std::uint8_t*>(block);
  const std::uint8_t* qs = scales + 16 + 32 * (group / 4);
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 80));
  const float dmin = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 82));
  for (int l = 0; l < 32; ++l) {
    const int packed = scales[2 * group + l / 16];
    const float scale = d * static_cast<float>(packed & 15);
    const float minimum = dmin * static_cast<float>(packed >> 4);
    w[l] = scale * static_cast<float>((qs[l] >> (2 * (group % 4))) & 3) - minimum;
  }
}
/// @param w  (256) out
inline void dequantise_q2_k(const std::byte* block, float* w) noexcept {
  for (int group = 0; group < 8; ++group) dequantise_q2_k_group(block, group, w + 32 * group);
}

/// The scale of 16 weights of Q3_K, of 6 bits.   @param packed  12 bytes   @param s  0..15
[[nodiscard]] constexpr int unpack_q3_k_scale(const std::uint8_t* packed, int s) noexcept {
  const int low4 = s < 8 ? packed[s] & 15 : packed[s - 8] >> 4;
  return (low4 | (((packed[8 + s % 4] >> (2 * (s / 4))) & 3) << 4)) - 32;
}

/// w = d * (scale - 32) * (q - 4); q of 3 bits, 16 weights a scale of 6 bits.
/// @param block  110 bytes: high bits (32), low bits (64), scales (12), d
/// @param w      (256) out
inline void dequantise_q3_k(const std::byte* block, float* w) noexcept {
  const auto* high = reinterpret_cast<const std::uint8_t*>(block);
  const std::uint8_t* low = high + 32;
  const std::uint8_t* packed = low + 64;
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 108));
  float scales[16];
  for (int s = 0; s < 16; ++s) scales[s] = d * static_cast<float>(unpack_q3_k_scale(packed, s));
  for (int n = 0; n < 2; ++n) {
    for (int j = 0; j < 4; ++j) {
      for (int l = 0; l < 32; ++l) {
        const int low2 = (low[32 * n + l] >> (2 * j)) & 3;
        const int q = low2 + 4 * ((high[l] >> (4 * n + j)) & 1) - 4;
        *w++ = scales[8 * n + 2 * j + l / 16] * static_cast<float>(q);
      }
    }
  }
}

/// w = d * scale * q - dmin * minimum; q of 4 bits, 32 weights a (scale, minimum) of 6 bits each.
/// @param block  144 bytes: d, dmin, scales (12), qs (128)
/// @param w      (256) out
inline void dequantise_q4_k(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const float dmin = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 2));
  const auto* packed = reinterpret_cast<const std::uint8_t*>(block + 4);
  const std::uint8_t* qs = packed + 12;
  for (int group = 0; group < 8; ++group) {
    const k_scale_min s = unpack_k_scale(packed, group);
    const float scale = d * static_cast<float>(s.scale);
    const float minimum = dmin * static_cast<float>(s.minimum);
    for (int l = 0; l < 32; ++l) {
      const int q = (qs[32 * (group / 2) + l] >> (4 * (group % 2))) & 15;
      *w++ = scale * static_cast<float>(q) - minimum;
    }
  }
}

/// As Q4_K, with a fifth bit for every weight.
/// @param block  176 bytes: d, dmin, scales (12), fifth bits (32), qs (128)
/// @param w      (256) out
inline void dequantise_q5_k(const std::byte* block, float* w) noexcept {
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block));
  const float dmin = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 2));
  const auto* packed = reinterpret_cast<const std::uint8_t*>(block + 4);
  const std::uint8_t* high = packed + 12;
  const std::uint8_t* qs = high + 32;
  for (int group = 0; group < 8; ++group) {
    const k_scale_min s = unpack_k_scale(packed, group);
    const float scale = d * static_cast<float>(s.scale);
    const float minimum = dmin * static_cast<float>(s.minimum);
    for (int l = 0; l < 32; ++l) {
      const int low4 = (qs[32 * (group / 2) + l] >> (4 * (group % 2))) & 15;
      const int q = low4 | (((high[l] >> group) & 1) << 4);
      *w++ = scale * static_cast<float>(q) - minimum;
    }
  }
}

/// w = d * scale * (q - 32); q of 6 bits, 16 weights a signed scale of 8 bits.
/// @param block  210 bytes: low 4 bits (128), high 2 bits (64), scales (16), d
/// @param w      (256) out
inline void dequantise_q6_k(const std::byte* block, float* w) noexcept {
  const auto* low = reinterpret_cast<const std::uint8_t*>(block);
  const std::uint8_t* high = low + 128;
  const auto* scales = reinterpret_cast<const std::int8_t*>(block + 192);
  const float d = f16_bits_to_float(load_unaligned<std::uint16_t>(block + 208));
  for (int n = 0; n < 2; ++n) {
    for (int j = 0; j < 4; ++j) {
      for (int l = 0; l < 32; ++l) {
        const int low4 = (low[64 * n + 32 * (j % 2) + l] >> (4 * (j / 2))) & 15;
        const int high2 = (high[32 * n + l] >> (2 * j)) & 3;
        const float scale = d * static_cast<float>(scales[8 * n + 2 * j + l / 16]);
        *w++ = scale * static_cast<float>((low4 | (high2 << 4)) - 32);
      }
    }
  }
}

}  // namespace quipu::io

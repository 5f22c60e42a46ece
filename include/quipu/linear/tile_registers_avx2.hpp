/// @file The registers that hold a tile's columns under AVX2, for the sets that add their products in their own way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::ymm {

/// Sixteen rows are two registers of eight lanes.
struct tile_registers {
  struct codes {  // (16 rows, 4 columns) unsigned bytes
    __m256i v[2];
  };
  struct floats {  // (16 rows)
    __m256 v[2];
    QUIPU_ALWAYS_INLINE static floats zero() noexcept { return {{_mm256_setzero_ps(), _mm256_setzero_ps()}}; }
    QUIPU_ALWAYS_INLINE void store(float* to) const noexcept {
      _mm256_storeu_ps(to, v[0]);
      _mm256_storeu_ps(to + 8, v[1]);
    }
  };

  QUIPU_ALWAYS_INLINE static codes load(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m256i*>(at);
    return {{_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)}};
  }
  QUIPU_ALWAYS_INLINE static codes low_nibbles(codes both) noexcept {
    const __m256i mask = _mm256_set1_epi8(15);
    return {{_mm256_and_si256(both.v[0], mask), _mm256_and_si256(both.v[1], mask)}};
  }
  QUIPU_ALWAYS_INLINE static codes high_nibbles(codes both) noexcept {
    return low_nibbles({{_mm256_srli_epi16(both.v[0], 4), _mm256_srli_epi16(both.v[1], 4)}});
  }
  /// The bits of `plane` that `Mask` names once they are `Left` places further left, beside those of `low`.
  template <int Left, int Mask>
  QUIPU_ALWAYS_INLINE static codes with_bits(codes low, codes plane) noexcept {
    const __m256i mask = _mm256_set1_epi8(Mask);
    QUIPU_UNROLL
    for (int i = 0; i < 2; ++i) {
      __m256i moved = plane.v[i];
      if constexpr (Left > 0) moved = _mm256_slli_epi16(moved, Left);
      if constexpr (Left < 0) moved = _mm256_srli_epi16(moved, -Left);
      low.v[i] = _mm256_or_si256(low.v[i], _mm256_and_si256(moved, mask));
    }
    return low;
  }
  QUIPU_ALWAYS_INLINE static floats load_halves(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtph_ps(_mm_loadu_si128(p)), _mm256_cvtph_ps(_mm_loadu_si128(p + 1))}};
  }
  QUIPU_ALWAYS_INLINE static floats load_floats(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const float*>(at);
    return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}};
  }
  /// Two columns, the values of a row side by side.
  QUIPU_ALWAYS_INLINE static void load_bf16_pairs(const std::byte* at, floats& first, floats& second) noexcept {
    const codes both = load(at);
    QUIPU_UNROLL
    for (int i = 0; i < 2; ++i) {
      first.v[i] = _mm256_castsi256_ps(_mm256_slli_epi32(both.v[i], 16));
      second.v[i] = _mm256_castsi256_ps(_mm256_and_si256(both.v[i], _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
    }
  }
  QUIPU_ALWAYS_INLINE static floats load_bytes(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p))),
             _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8))))}};
  }
  QUIPU_ALWAYS_INLINE static floats load_signed_bytes(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))),
             _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8))))}};
  }
  QUIPU_ALWAYS_INLINE static floats set1(float value) noexcept { return {{_mm256_set1_ps(value), _mm256_set1_ps(value)}}; }

  template <class Value>
  QUIPU_ALWAYS_INLINE static __m256i broadcast(const Value* at) noexcept {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm256_set1_epi32(four);
  }

  /// Whole sums less a number that is the same for all rows.
  QUIPU_ALWAYS_INLINE static floats widened(__m256i first, __m256i second, std::int32_t less) noexcept {
    const __m256i l = _mm256_set1_epi32(less);
    return {{_mm256_cvtepi32_ps(_mm256_sub_epi32(first, l)), _mm256_cvtepi32_ps(_mm256_sub_epi32(second, l))}};
  }
};

QUIPU_ALWAYS_INLINE tile_registers::floats operator*(tile_registers::floats a, tile_registers::floats b) noexcept {
  return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
}
QUIPU_ALWAYS_INLINE tile_registers::floats operator+(tile_registers::floats a, tile_registers::floats b) noexcept {
  return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}};
}
/// a b + c
QUIPU_ALWAYS_INLINE tile_registers::floats fma(tile_registers::floats a, tile_registers::floats b, tile_registers::floats c) noexcept {
  return {{_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1])}};
}
/// c - a b
QUIPU_ALWAYS_INLINE tile_registers::floats fnma(tile_registers::floats a, tile_registers::floats b, tile_registers::floats c) noexcept {
  return {{_mm256_fnmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fnmadd_ps(a.v[1], b.v[1], c.v[1])}};
}

}  // namespace quipu::linear::ymm

QUIPU_TARGET_END

#endif

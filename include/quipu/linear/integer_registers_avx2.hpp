/// @file The registers of a gate in whole numbers under AVX2, for the sets that add their products in their own way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/tile_registers_avx2.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::ymm {

/// Sixteen neurons as two registers of whole numbers or four of doubles.
struct integer_registers {
  struct ints {
    __m256i v[2];
    [[nodiscard]] QUIPU_ALWAYS_INLINE ints plus(ints other) const noexcept {
      return {{_mm256_add_epi32(v[0], other.v[0]), _mm256_add_epi32(v[1], other.v[1])}};
    }
  };
  QUIPU_ALWAYS_INLINE static tile_registers::codes without_low_nibbles(tile_registers::codes both) noexcept {
    const __m256i mask = _mm256_set1_epi8(static_cast<char>(0xf0));
    return {{_mm256_and_si256(both.v[0], mask), _mm256_and_si256(both.v[1], mask)}};
  }
  struct doubles {
    __m256d v[4];
    QUIPU_ALWAYS_INLINE static doubles zero() noexcept {
      const __m256d z = _mm256_setzero_pd();
      return {{z, z, z, z}};
    }
    QUIPU_ALWAYS_INLINE static doubles of(ints a) noexcept {
      return {{_mm256_cvtepi32_pd(_mm256_castsi256_si128(a.v[0])),
               _mm256_cvtepi32_pd(_mm256_extracti128_si256(a.v[0], 1)),
               _mm256_cvtepi32_pd(_mm256_castsi256_si128(a.v[1])),
               _mm256_cvtepi32_pd(_mm256_extracti128_si256(a.v[1], 1))}};
    }
    QUIPU_ALWAYS_INLINE void add_product(ints a, doubles b) noexcept {
      const doubles wide = of(a);
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) v[i] = _mm256_fmadd_pd(wide.v[i], b.v[i], v[i]);
    }
    QUIPU_ALWAYS_INLINE void add_product(double a, doubles b) noexcept {
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) v[i] = _mm256_fmadd_pd(_mm256_set1_pd(a), b.v[i], v[i]);
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles squared() const noexcept {
      return {
          {_mm256_mul_pd(v[0], v[0]), _mm256_mul_pd(v[1], v[1]), _mm256_mul_pd(v[2], v[2]), _mm256_mul_pd(v[3], v[3])}};
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles plus(doubles other) const noexcept {
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) other.v[i] = _mm256_add_pd(v[i], other.v[i]);
      return other;
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles root_times(double factor) const noexcept {
      doubles all;
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) all.v[i] = _mm256_mul_pd(_mm256_sqrt_pd(v[i]), _mm256_set1_pd(factor));
      return all;
    }
    QUIPU_ALWAYS_INLINE void store(double* to) const noexcept {
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) _mm256_storeu_pd(to + 4 * i, v[i]);
    }
    /// to = float(v * (row_scale * scale))
    QUIPU_ALWAYS_INLINE void store_scaled(const float* row_scale, float scale, float* to) const noexcept {
      const __m256d s = _mm256_set1_pd(double{scale});
      QUIPU_UNROLL
      for (int i = 0; i < 4; ++i) {
        const __m256d both = _mm256_mul_pd(_mm256_cvtps_pd(_mm_loadu_ps(row_scale + 4 * i)), s);
        _mm_storeu_ps(to + 4 * i, _mm256_cvtpd_ps(_mm256_mul_pd(v[i], both)));
      }
    }
  };

  /// (v << left) - less
  QUIPU_ALWAYS_INLINE static ints shifted(__m256i first, __m256i second, int left, std::int32_t less) noexcept {
    const __m256i l = _mm256_set1_epi32(less);
    return {
        {_mm256_sub_epi32(_mm256_slli_epi32(first, left), l), _mm256_sub_epi32(_mm256_slli_epi32(second, left), l)}};
  }
  QUIPU_ALWAYS_INLINE static doubles load_multipliers(const std::byte* at) noexcept {
    return doubles::of({{_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))),
                         _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8)))}});
  }

  QUIPU_ALWAYS_INLINE static __m256i load_signed(const std::int8_t* at) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  QUIPU_ALWAYS_INLINE static std::int32_t sum_of(__m256i v) noexcept {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
  }
};

}  // namespace quipu::linear::ymm

QUIPU_TARGET_END

#endif

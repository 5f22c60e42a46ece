/// @file Rounds activations to whole numbers under AVX2, in the form that each set's products read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/simd_avx2.hpp>
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/smallest_rounded.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

/// d = max |x| / largest, q = x / d to the nearest, ties to even.
template <rounded_form Form>
void round_row(const float* x, std::size_t n, activation_bits bits, rounded_rows out) noexcept {
  const float largest = static_cast<float>(largest_rounded(bits));
  const __m256 sign = _mm256_set1_ps(-0.0f);
  for (std::size_t b = 0; b < n / packed_block; ++b) {
    const float* from = x + b * packed_block;
    __m256 v[4];
    QUIPU_UNROLL  // or g++ keeps arrays of registers in memory
    for (int i = 0; i < 4; ++i) v[i] = _mm256_loadu_ps(from + 8 * i);
    const __m256 a = _mm256_max_ps(_mm256_max_ps(_mm256_andnot_ps(sign, v[0]), _mm256_andnot_ps(sign, v[1])),
                                   _mm256_max_ps(_mm256_andnot_ps(sign, v[2]), _mm256_andnot_ps(sign, v[3])));
    const float most = quipu::avx2::f32x{a}.largest();
    const __m256 zero = _mm256_setzero_ps();
    // 0, or NaN if a value is not finite
    const __m256 check = _mm256_fmadd_ps(v[0], zero, _mm256_fmadd_ps(v[1], zero, _mm256_fmadd_ps(v[2], zero, _mm256_mul_ps(v[3], zero))));
    const float not_finite = quipu::avx2::f32x{check}.sum();
    const bool rounds = not_finite == 0 && most > smallest_rounded;
    const __m256 inverse = _mm256_set1_ps(rounds ? largest / most : 0.0f);
    if (!rounds) v[0] = v[1] = v[2] = v[3] = zero;  // NaN and infinity have no whole number
    out.d[b] = most / largest + not_finite;
    __m256i q[4];
    QUIPU_UNROLL
    for (int i = 0; i < 4; ++i) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));  // columns 8 i .. 8 i + 7
    QUIPU_UNROLL
    for (int half = 0; half < 2; ++half) {
      const std::size_t at = b * packed_block + 16 * static_cast<std::size_t>(half);
      const __m256i sum = _mm256_add_epi32(q[2 * half], q[2 * half + 1]);
      __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
      out.sums[2 * b + static_cast<std::size_t>(half)] = _mm_cvtsi128_si32(s);
      // packs works within 128 bits: 0..3 8..11 | 4..7 12..15
      const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(q[2 * half], q[2 * half + 1]), 0xd8);
      const auto store_bytes = [](std::int8_t* to, __m256i words) __attribute__((always_inline)) {
        const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
      };
      if constexpr (reads_pairs(Form)) {
        const __m256i swap = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.pairs + at), _mm256_shuffle_epi8(packed, swap));
      }
      if (bits == activation_bits::eight) {
        store_bytes(out.high + at, packed);
      } else if constexpr (reads_low(Form, activation_bits::sixteen)) {
        const __m256i high = _mm256_srai_epi16(_mm256_add_epi16(packed, _mm256_set1_epi16(128)), 8);  // at most 32639 + 128
        store_bytes(out.high + at, high);
        store_bytes(out.low + at, _mm256_sub_epi16(packed, _mm256_slli_epi16(high, 8)));
      }
    }
  }
}

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

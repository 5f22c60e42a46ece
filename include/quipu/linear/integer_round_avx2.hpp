/// @file Rounds a row of activations to whole numbers with one scale under AVX2, for all sets that have it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/simd_avx2.hpp>
#include <quipu/linear/integer_ops_portable.hpp>  // row_rounding
#include <quipu/linear/integer_registers_avx2.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

[[nodiscard]] inline portable::row_range range_of(const float* x, std::size_t n) noexcept {
  const __m256 sign = _mm256_set1_ps(-0.0f), zero = _mm256_setzero_ps();
  __m256 most[2] = {zero, zero}, check[2] = {zero, zero};
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    QUIPU_UNROLL
    for (std::size_t k = 0; k < 2; ++k) {
      const __m256 v = _mm256_loadu_ps(x + i + 8 * k);
      most[k] = _mm256_max_ps(_mm256_andnot_ps(sign, v), most[k]);
      check[k] = _mm256_fmadd_ps(v, zero, check[k]);
    }
  }
  portable::row_range range{quipu::avx2::f32x{_mm256_max_ps(most[0], most[1])}.largest(),
                            quipu::avx2::f32x{_mm256_add_ps(check[0], check[1])}.sum()};
  for (; i < n; ++i) {
    range.largest = std::max(range.largest, x[i] < 0 ? -x[i] : x[i]);
    range.check += x[i] * 0;
  }
  return range;
}

/// One group of 64 columns.
QUIPU_ALWAYS_INLINE void round_group(const float* x, const std::uint8_t* dither, float inverse, std::size_t g,
                                     const integer_rows& out) noexcept {
  const __m256 by = _mm256_set1_ps(inverse);
  const __m256i zero = _mm256_setzero_si256();
  __m256i sums = zero, dither_sums = zero, squares = zero;
  QUIPU_UNROLL
  for (std::size_t half = 0; half < 4; ++half) {
    const std::size_t from = 16 * half, at = g * integer_group + from;
    const __m256i first = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + from), by));
    const __m256i second = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + from + 8), by));
    sums = _mm256_add_epi32(sums, _mm256_add_epi32(first, second));
    // packs works within 128 bits: 0..3 8..11 | 4..7 12..15
    const __m256i q = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
    const __m256i square = _mm256_madd_epi16(q, q);  // at most 2 * 32,639^2 < 2^31
    squares = _mm256_add_epi64(squares, _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(square)),
                                                         _mm256_cvtepu32_epi64(_mm256_extracti128_si256(square, 1))));
    const __m256i u = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(dither + from)));
    dither_sums = _mm256_add_epi32(dither_sums, _mm256_madd_epi16(q, u));
    const __m256i swap = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7,
                                          8, 9, 12, 13, 10, 11, 14, 15);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.pairs + at), _mm256_shuffle_epi8(q, swap));
    const auto store_bytes = [](std::int8_t * to, __m256i words) __attribute__((always_inline)) {
      const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    };
    if (out.bits == activation_bits::eight) {
      store_bytes(out.high + at, q);
      store_bytes(out.low + at, zero);
    } else {
      const __m256i high = _mm256_srai_epi16(_mm256_add_epi16(q, _mm256_set1_epi16(128)), 8);  // at most 32639 + 128
      store_bytes(out.high + at, high);
      store_bytes(out.low + at, _mm256_sub_epi16(q, _mm256_slli_epi16(high, 8)));
    }
  }
  out.sums[g] = ymm::integer_registers::sum_of(sums);
  out.dither_sums[g] = ymm::integer_registers::sum_of(dither_sums);
  alignas(32) std::int64_t parts[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), squares);
  out.squares[g] = static_cast<double>(parts[0] + parts[1] + parts[2] + parts[3]);
}

/// X = x / scale to the nearest, ties to even.
inline void round_integer_row(const float* x, const std::uint8_t* dither, integer_rows out) noexcept {
  const portable::row_rounding by(range_of(x, out.n_col), out.bits);
  *out.scale = by.scale;
  std::array<float, integer_group> last{};
  std::array<std::uint8_t, integer_group> own{};
  for (std::size_t g = 0; g < out.n_group; ++g) {
    const std::size_t at = g * integer_group, n = std::min(integer_group, out.n_col - at);
    const bool copies = n < integer_group || by.inverse == 0;  // what is not finite has no whole number
    if (copies) {
      last = {};
      if (by.inverse != 0) std::copy_n(x + at, n, last.data());
    }
    if (dither != nullptr && n < integer_group) std::copy_n(dither + at, n, own.data());
    const bool takes_own = dither == nullptr || n < integer_group;
    round_group(copies ? last.data() : x + at, takes_own ? own.data() : dither + at, by.inverse, g, out);
  }
}

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

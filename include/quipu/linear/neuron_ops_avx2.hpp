/// @file What loops over listed neurons compute with under AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <quipu/core/config.hpp>     // QUIPU_TARGET_BEGIN
#include <quipu/core/simd_avx2.hpp>  // f32x
#include <quipu/linear/neuron_kernel_table.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

/// Members as in `portable::neuron_ops`.
struct neuron_ops {
  static constexpr instruction_set set = instruction_set::avx2;
  using scalar = float;
  static constexpr std::size_t width = 8;
  using values = __m256;
  static constexpr int blocks_together = 2;

  QUIPU_ALWAYS_INLINE static values zero() noexcept { return _mm256_setzero_ps(); }
  QUIPU_ALWAYS_INLINE static values set1(float x) noexcept { return _mm256_set1_ps(x); }
  QUIPU_ALWAYS_INLINE static values load(const float* at) noexcept { return _mm256_loadu_ps(at); }
  QUIPU_ALWAYS_INLINE static void store(values v, float* to) noexcept { _mm256_storeu_ps(to, v); }
  QUIPU_ALWAYS_INLINE static values fma(values a, values b, values c) noexcept { return _mm256_fmadd_ps(a, b, c); }
  QUIPU_ALWAYS_INLINE static values product(values a, values b) noexcept { return _mm256_mul_ps(a, b); }
  QUIPU_ALWAYS_INLINE static values sum_of(values a, values b) noexcept { return _mm256_add_ps(a, b); }
  QUIPU_ALWAYS_INLINE static float sum(values v) noexcept { return quipu::avx2::f32x{v}.sum(); }

  template <row_form Form>
  QUIPU_ALWAYS_INLINE static void load_block(const std::byte* at, values (&w)[4]) noexcept {
    if constexpr (Form == row_form::q4) {
      const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      const __m128i mask = _mm_set1_epi8(15), middle = _mm_set1_epi8(8);
      const __m128i low = _mm_sub_epi8(_mm_and_si128(both, mask), middle);
      const __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(both, 4), mask), middle);
      w[0] = widened(low);
      w[1] = widened(_mm_srli_si128(low, 8));
      w[2] = widened(high);
      w[3] = widened(_mm_srli_si128(high, 8));
    } else {
      QUIPU_UNROLL
      for (std::size_t i = 0; i < 4; ++i) w[i] = eight_at<Form>(at + i * (block_bytes(Form) / 4));
    }
  }
  // Eight at a time: rows are filled up with zeros to whole lines.
  QUIPU_ALWAYS_INLINE static void widen_scales(const std::byte* from, std::size_t n, float* to) noexcept {
    for (std::size_t i = 0; i < n; i += 8) _mm256_store_ps(to + i, eight_at<row_form::f16>(from + 2 * i));
  }
  QUIPU_ALWAYS_INLINE static void scale_all(float c, std::size_t n, float* values) noexcept {
    const __m256 factor = _mm256_set1_ps(c);
    for (std::size_t i = 0; i < n; i += 8) _mm256_store_ps(values + i, _mm256_mul_ps(factor, _mm256_load_ps(values + i)));
  }

 private:
  QUIPU_ALWAYS_INLINE static __m256 widened(__m128i bytes) noexcept { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }
  template <row_form Form>
  QUIPU_ALWAYS_INLINE static __m256 eight_at(const std::byte* at) noexcept {
    const auto* const half = reinterpret_cast<const __m128i*>(at);
    if constexpr (Form == row_form::f64) {
      const auto* const from = reinterpret_cast<const double*>(at);
      return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(_mm256_loadu_pd(from))),
                                  _mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)), 1);
    }
    if constexpr (Form == row_form::f32) return _mm256_loadu_ps(reinterpret_cast<const float*>(at));
    if constexpr (Form == row_form::f16) return _mm256_cvtph_ps(_mm_loadu_si128(half));
    if constexpr (Form == row_form::bf16)
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(half)), 16));
    if constexpr (Form == row_form::q8) return widened(_mm_loadl_epi64(half));
  }
};

#include <quipu/linear/neuron_kernel_body.ipp>

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

/// @file What loops over listed neurons compute with under AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/neuron_kernel_table.hpp>

QUIPU_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")

namespace quipu::linear::avx512 {

/// Members as in `portable::neuron_ops`.
struct neuron_ops {
  static constexpr instruction_set set = instruction_set::avx512_vnni;  // the least of those with AVX-512
  using scalar = float;
  static constexpr std::size_t width = 16;
  using values = __m512;
  static constexpr int blocks_together = 2;

  QUIPU_ALWAYS_INLINE static values zero() noexcept { return _mm512_setzero_ps(); }
  QUIPU_ALWAYS_INLINE static values set1(float x) noexcept { return _mm512_set1_ps(x); }
  QUIPU_ALWAYS_INLINE static values load(const float* at) noexcept { return _mm512_loadu_ps(at); }
  QUIPU_ALWAYS_INLINE static void store(values v, float* to) noexcept { _mm512_storeu_ps(to, v); }
  QUIPU_ALWAYS_INLINE static values fma(values a, values b, values c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  QUIPU_ALWAYS_INLINE static values product(values a, values b) noexcept { return _mm512_mul_ps(a, b); }
  QUIPU_ALWAYS_INLINE static values sum_of(values a, values b) noexcept { return _mm512_add_ps(a, b); }
  QUIPU_ALWAYS_INLINE static float sum(values v) noexcept {
    const __m256 half = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, v, 0), _mm512_maskz_extractf32x8_ps(0xff, v, 1));
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_add_ss(r, _mm_shuffle_ps(r, r, 1)));
  }

  template <row_form Form>
  QUIPU_ALWAYS_INLINE static void load_block(const std::byte* at, values (&w)[2]) noexcept {
    if constexpr (Form == row_form::q4) {
      // A nibble picks its number from a table; whatever lies above its four bits does not count.
      const __m512 numbers = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
      const __m512i both = _mm512_maskz_cvtepu8_epi32(lanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
      w[0] = _mm512_maskz_permutexvar_ps(lanes, both, numbers);
      w[1] = _mm512_maskz_permutexvar_ps(lanes, _mm512_maskz_srli_epi32(lanes, both, 4), numbers);
    } else {
      w[0] = sixteen_at<Form>(at);
      w[1] = sixteen_at<Form>(at + block_bytes(Form) / 2);
    }
  }
  QUIPU_ALWAYS_INLINE static void widen_scales(const std::byte* from, std::size_t n, float* to) noexcept {
    for (std::size_t i = 0; i < n; i += 16) {
      const auto there = static_cast<__mmask16>(n - i < 16 ? (1u << (n - i)) - 1u : 0xffffu);
      _mm512_store_ps(to + i, _mm512_maskz_cvtph_ps(lanes, _mm256_maskz_loadu_epi16(there, from + 2 * i)));
    }
  }
  QUIPU_ALWAYS_INLINE static void scale_all(float c, std::size_t n, float* values) noexcept {
    const __m512 factor = _mm512_set1_ps(c);
    for (std::size_t i = 0; i < n; i += 16) _mm512_store_ps(values + i, _mm512_mul_ps(factor, _mm512_load_ps(values + i)));
  }

 private:
  /// All lanes: forms of intrinsics without a mask make g++ 12 warn.
  static constexpr __mmask16 lanes = 0xffff;

  template <row_form Form>
  QUIPU_ALWAYS_INLINE static __m512 sixteen_at(const std::byte* at) noexcept {
    if constexpr (Form == row_form::f64) {
      const auto* const from = reinterpret_cast<const double*>(at);
      const __m256 low = _mm512_maskz_cvtpd_ps(0xff, _mm512_loadu_pd(from));
      const __m256 high = _mm512_maskz_cvtpd_ps(0xff, _mm512_loadu_pd(from + 8));
      return _mm512_maskz_insertf32x8(lanes, _mm512_castps256_ps512(low), high, 1);
    }
    if constexpr (Form == row_form::f32) return _mm512_loadu_ps(at);
    if constexpr (Form == row_form::f16)
      return _mm512_maskz_cvtph_ps(lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    if constexpr (Form == row_form::bf16) {
      const __m512i wide = _mm512_maskz_cvtepu16_epi32(lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
      return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(lanes, wide, 16));
    }
    if constexpr (Form == row_form::q8) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      return _mm512_maskz_cvtepi32_ps(lanes, _mm512_maskz_cvtepi8_epi32(lanes, codes));
    }
  }
};

#include <quipu/linear/neuron_kernel_body.ipp>

}  // namespace quipu::linear::avx512

QUIPU_TARGET_END

#endif

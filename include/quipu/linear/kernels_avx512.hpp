/// @file The kernels for AVX-512 with BF16: products of numbers rounded to bf16. All other loops are those of AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/scalar.hpp>  // bf16
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/kernels_avx2.hpp>

QUIPU_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,f16c")

namespace quipu::linear::avx512 {

// Two registers of floats as bf16, interleaved: (a0, b0, a1, b1, ...).
inline __m512i paired(__m512 a, __m512 b) noexcept {
  alignas(64) static constexpr std::uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                          8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), both);
}

inline void round_across(const float* in, std::size_t ld, std::size_t n_outer, std::size_t n_k, std::size_t width,
                         bf16* out) noexcept {
  const auto present = static_cast<__mmask16>((1u << n_outer) - 1u), stored = static_cast<__mmask16>((1u << width) - 1u);
  for (std::size_t k = 0; k < n_k; k += 2, in += 2 * ld, out += 2 * width) {
    const __m512 even = _mm512_maskz_loadu_ps(present, in);
    const __m512 odd = k + 1 < n_k ? _mm512_maskz_loadu_ps(present, in + ld) : _mm512_setzero_ps();
    _mm512_mask_storeu_epi32(out, stored, paired(even, odd));
  }
}

inline void round_along(const float* in, std::size_t ld, std::size_t n_outer, std::size_t n_k, std::size_t width,
                        bf16* out) noexcept {
  // A row's pairs are words already; what is left to do is to lay rows of words side by side.
  constexpr std::size_t n_word = gemm_k_block<bf16> / 2;
  alignas(64) float words[gemm_nr<bf16> * n_word];
  for (std::size_t i = 0; i < n_outer; ++i, in += ld) {
    float* to = words + i * n_word;
    for (std::size_t k = 0; k < n_k; k += 32, to += 16) {
      const std::size_t left = n_k - k;
      const auto mask = left >= 32 ? ~__mmask32{0} : (__mmask32{1} << left) - 1u;
      const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), in + k);
      const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), in + k + 16);
      _mm512_store_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
    }
  }
  avx2::interleave_f32(words, n_word, n_outer, (n_k + 1) / 2, width, reinterpret_cast<float*>(out));
}

// gemm_mr rows times `Panels` panels of 16 columns.
template <int Panels>
void bf16_tile(std::size_t n_pair, const bf16* a, const bf16* b, std::size_t b_stride, float* c, std::size_t ldc,
               bool accumulate) noexcept {
  constexpr int mr = static_cast<int>(gemm_mr<bf16>);
  constexpr std::size_t nr = gemm_nr<bf16>;
  __m512 sums[mr][Panels];
  QUIPU_UNROLL
  for (int i = 0; i < mr; ++i) {
    QUIPU_UNROLL
    for (int p = 0; p < Panels; ++p) sums[i][p] = _mm512_setzero_ps();
  }
  for (std::size_t k = 0; k < n_pair; ++k, a += 2 * mr, b += 2 * nr) {
    __m512bh right[Panels];
    QUIPU_UNROLL
    for (int p = 0; p < Panels; ++p) {
      right[p] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + static_cast<std::size_t>(p) * b_stride));
    }
    QUIPU_UNROLL
    for (int i = 0; i < mr; ++i) {
      int pair;
      std::memcpy(&pair, a + 2 * i, sizeof pair);
      const auto left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
      QUIPU_UNROLL
      for (int p = 0; p < Panels; ++p) sums[i][p] = _mm512_dpbf16_ps(sums[i][p], left, right[p]);
    }
  }
  QUIPU_UNROLL
  for (int i = 0; i < mr; ++i) {
    QUIPU_UNROLL
    for (int p = 0; p < Panels; ++p) {
      float* to = c + static_cast<std::size_t>(i) * ldc + static_cast<std::size_t>(p) * nr;
      if (accumulate) sums[i][p] = _mm512_add_ps(_mm512_loadu_ps(to), sums[i][p]);
      _mm512_storeu_ps(to, sums[i][p]);
    }
  }
}

inline void gemm_tiles_bf16(std::size_t n_pair, const bf16* a, const bf16* b, std::size_t b_stride, std::size_t n_panel,
                            float* c, std::size_t ldc, bool accumulate) noexcept {
  constexpr std::size_t nr = gemm_nr<bf16>;
  for (; n_panel >= 4; n_panel -= 4, b += 4 * b_stride, c += 4 * nr)
    bf16_tile<4>(n_pair, a, b, b_stride, c, ldc, accumulate);
  switch (n_panel) {
    case 3: return bf16_tile<3>(n_pair, a, b, b_stride, c, ldc, accumulate);
    case 2: return bf16_tile<2>(n_pair, a, b, b_stride, c, ldc, accumulate);
    case 1: return bf16_tile<1>(n_pair, a, b, b_stride, c, ldc, accumulate);
    default: return;
  }
}

inline constexpr kernel_table table = [] {
  kernel_table t = avx2::table;
  t.set = instruction_set::avx512_bf16;
  t.round_across = round_across;
  t.round_along = round_along;
  t.gemm_tiles_bf16 = gemm_tiles_bf16;
  return t;
}();

}  // namespace quipu::linear::avx512

QUIPU_TARGET_END

#endif

/// @file Products of BF16 weights in tiles with activations rounded to bf16, under AVX-512 with BF16. The others are those of
/// AVX-512 with VNNI.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/scalar.hpp>  // bf16
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/tile_ops_avx512.hpp>

QUIPU_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,f16c")

namespace quipu::linear::avx512 {

/// x to the nearest bf16, ties to even.
inline void round_row_bf16(const float* x, std::size_t n, bf16* out) noexcept {
  for (std::size_t i = 0; i < n; i += 16) {
    const auto here = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1u);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(here, x + i));
    _mm256_mask_storeu_epi16(out + i, here, reinterpret_cast<__m256i>(rounded));
  }
}

// Blocks as in `multiply_plain_tokens`, and for the same reasons; a step takes two columns.
template <int Tokens>
void multiply_bf16_tokens(const std::byte* tile, const bf16* x, std::size_t x_stride, std::size_t n, float* y,
                          std::size_t y_stride) noexcept {
  constexpr std::size_t bytes = packed_form_of(tensor_type::bf16).tile_bytes(1), block = 2 * packed_block;
  __m512 total[Tokens];
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) total[t] = _mm512_setzero_ps();
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t end = first + block < n ? first + block : n;
    __m512 sums[Tokens];
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sums[t] = _mm512_setzero_ps();
    for (std::size_t k = first; k < end; k += 2) {
      const auto columns = reinterpret_cast<__m512bh>(_mm512_loadu_si512(tile + k * bytes));
      QUIPU_UNROLL
      for (int t = 0; t < Tokens; ++t) {
        int pair;
        std::memcpy(&pair, x + static_cast<std::size_t>(t) * x_stride + k, sizeof pair);
        sums[t] = _mm512_dpbf16_ps(sums[t], columns, reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair)));
      }
    }
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) total[t] = _mm512_add_ps(total[t], sums[t]);
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) _mm512_storeu_ps(y + static_cast<std::size_t>(t) * y_stride, total[t]);
}

template <int Tokens = tile_ops::plain_tokens>
void multiply_bf16_tile(const std::byte* tile, const bf16* x, std::size_t x_stride, std::size_t n_token, std::size_t n, float* y,
                        std::size_t y_stride) noexcept {
  for (; n_token >= Tokens; n_token -= Tokens, x += Tokens * x_stride, y += Tokens * y_stride)
    multiply_bf16_tokens<Tokens>(tile, x, x_stride, n, y, y_stride);
  if constexpr (Tokens > 1) {
    if (n_token > 0) multiply_bf16_tile<Tokens / 2>(tile, x, x_stride, n_token, n, y, y_stride);
  }
}

inline constexpr packed_kernel_table packed_table_bf16 = [] {
  packed_kernel_table t = packed_table;
  t.set = instruction_set::avx512_bf16;
  t.multiply_bf16 = multiply_bf16_tile<>;
  t.round_bf16 = round_row_bf16;
  return t;
}();

}  // namespace quipu::linear::avx512

QUIPU_TARGET_END

#endif

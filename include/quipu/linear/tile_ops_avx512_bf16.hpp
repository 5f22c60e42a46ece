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

namespace quipu::linear::avx512_bf16 {

using avx512::tile_ops;

/// x to the nearest bf16, ties to even.
inline void round_row_bf16(const float* x, std::size_t n, bf16* out) noexcept {
  for (std::size_t i = 0; i < n; i += 16) {
    const auto here = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1u);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(here, x + i));
    _mm256_mask_storeu_epi16(out + i, here, reinterpret_cast<__m256i>(rounded));
  }
}

// Two neighbouring columns of sixteen rows, for rows of bf16.
struct bf16_columns {
  using value_type = bf16;
  static constexpr std::size_t block = 2 * packed_block;  // a step adds two products
  static constexpr bool may_be_odd = false;
  static constexpr std::size_t bytes = packed_form_of(tensor_type::bf16).tile_bytes(1);  // of a column

  __m512bh both;

  QUIPU_ALWAYS_INLINE static bf16_columns load(const std::byte* at) noexcept {
    return {reinterpret_cast<__m512bh>(_mm512_loadu_si512(at))};
  }
  QUIPU_ALWAYS_INLINE tile_ops::floats added_to(tile_ops::floats sum, const bf16* x) const noexcept {
    int pair;
    std::memcpy(&pair, x, sizeof pair);
    return {_mm512_dpbf16_ps(sum.v, both, reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair)))};
  }
};

#include <quipu/linear/column_products.ipp>

inline constexpr packed_kernel_table packed_table = [] {
  packed_kernel_table t = avx512::packed_table;
  t.set = instruction_set::avx512_bf16;
  t.multiply_bf16 = multiply_rows<bf16_columns>;
  t.round_bf16 = round_row_bf16;
  return t;
}();

}  // namespace quipu::linear::avx512_bf16

QUIPU_TARGET_END

#endif

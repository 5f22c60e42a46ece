/// @file What products with packed weights compute with under AVX-VNNI: AVX2 and products of four bytes at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/round_avx2.hpp>
#include <quipu/linear/tile_registers_avx2.hpp>

QUIPU_TARGET_BEGIN("avxvnni,avx2,fma,f16c")

namespace quipu::linear::avx_vnni {

struct tile_ops : ymm::tile_registers {
  static constexpr int tokens_at_once = 4, plain_tokens = 4;

  struct four_byte_sums {
    __m256i v[2];
    QUIPU_ALWAYS_INLINE static four_byte_sums zero() noexcept { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}}; }
    /// 256 high + low
    QUIPU_ALWAYS_INLINE static four_byte_sums joined(four_byte_sums high, four_byte_sums low) noexcept {
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) low.v[i] = _mm256_add_epi32(_mm256_slli_epi32(high.v[i], 8), low.v[i]);
      return low;
    }
    QUIPU_ALWAYS_INLINE void add(codes w, const std::int8_t* q) noexcept {
      const __m256i four = broadcast(q);
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) v[i] = _mm256_dpbusd_avx_epi32(v[i], w.v[i], four);
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept { return widened(v[0], v[1], less); }
  };
#include <quipu/linear/vnni_accumulators.ipp>
};

#include <quipu/linear/packed_kernel_body.ipp>
#include <quipu/linear/plain_kernel_body.ipp>

inline constexpr packed_kernel_table packed_table{
    .set = instruction_set::avx_vnni, .form = rounded_form::planes, .round = avx2::round_row<rounded_form::planes>, .multiply = multiply_tile, .multiply_plain = multiply_plain_tile};

}  // namespace quipu::linear::avx_vnni

QUIPU_TARGET_END

#endif

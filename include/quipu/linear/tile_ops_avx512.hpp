/// @file What products with packed weights compute with under AVX-512 with VNNI.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/round_avx2.hpp>

QUIPU_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")

namespace quipu::linear::avx512 {

/// All lanes. Forms of intrinsics without a mask leave unused lanes undefined, of which g++ 12 warns wherever they are inlined.
inline constexpr __mmask16 all = 0xffff;

/// Four columns of sixteen rows are one register, and so are the sixteen sums that they are added to.
struct tile_ops {
  static constexpr int tokens_at_once = 4, plain_tokens = 16;

  struct codes {  // (16 rows, 4 columns) unsigned bytes
    __m512i v;
  };
  struct floats {  // (16 rows)
    __m512 v;
    QUIPU_ALWAYS_INLINE static floats zero() noexcept { return {_mm512_setzero_ps()}; }
    QUIPU_ALWAYS_INLINE void store(float* to) const noexcept { _mm512_storeu_ps(to, v); }
  };

  QUIPU_ALWAYS_INLINE static codes load(const std::byte* at) noexcept { return {_mm512_loadu_si512(at)}; }
  QUIPU_ALWAYS_INLINE static codes low_nibbles(codes both) noexcept {
    return {_mm512_and_si512(both.v, _mm512_set1_epi8(15))};
  }
  QUIPU_ALWAYS_INLINE static codes high_nibbles(codes both) noexcept {
    return low_nibbles({_mm512_srli_epi16(both.v, 4)});
  }
  /// The bits of `plane` that `Mask` names once they are `Left` places further left, beside those of `low`.
  template <int Left, int Mask>
  QUIPU_ALWAYS_INLINE static codes with_bits(codes low, codes plane) noexcept {
    __m512i moved = plane.v;
    if constexpr (Left > 0) moved = _mm512_slli_epi16(moved, Left);
    if constexpr (Left < 0) moved = _mm512_srli_epi16(moved, -Left);
    constexpr int a_or_b_and_c = 0xf8;
    return {_mm512_ternarylogic_epi32(low.v, moved, _mm512_set1_epi8(Mask), a_or_b_and_c)};
  }
  QUIPU_ALWAYS_INLINE static floats load_halves(const std::byte* at) noexcept {
    return {_mm512_maskz_cvtph_ps(all, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)))};
  }
  QUIPU_ALWAYS_INLINE static floats load_floats(const std::byte* at) noexcept { return {_mm512_loadu_ps(at)}; }
  /// Two columns, the values of a row side by side.
  QUIPU_ALWAYS_INLINE static void load_bf16_pairs(const std::byte* at, floats& first, floats& second) noexcept {
    const __m512i both = _mm512_loadu_si512(at);
    first.v = _mm512_castsi512_ps(_mm512_maskz_slli_epi32(all, both, 16));
    second.v = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
  }
  QUIPU_ALWAYS_INLINE static floats load_bytes(const std::byte* at) noexcept {
    return {_mm512_maskz_cvtepi32_ps(all, _mm512_maskz_cvtepu8_epi32(all, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at))))};
  }
  QUIPU_ALWAYS_INLINE static floats load_signed_bytes(const std::byte* at) noexcept {
    return {_mm512_maskz_cvtepi32_ps(all, _mm512_maskz_cvtepi8_epi32(all, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at))))};
  }
  QUIPU_ALWAYS_INLINE static floats set1(float value) noexcept { return {_mm512_set1_ps(value)}; }

  /// Four activations, the same for all rows: `vpdpbusd` takes them from memory itself.
  QUIPU_ALWAYS_INLINE static __m512i broadcast(const std::int8_t* at) noexcept {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm512_set1_epi32(four);
  }

  struct four_byte_sums {
    __m512i v;
    QUIPU_ALWAYS_INLINE static four_byte_sums zero() noexcept { return {_mm512_setzero_si512()}; }
    /// 256 high + low
    QUIPU_ALWAYS_INLINE static four_byte_sums joined(four_byte_sums high, four_byte_sums low) noexcept {
      return {_mm512_add_epi32(_mm512_maskz_slli_epi32(all, high.v, 8), low.v)};
    }
    QUIPU_ALWAYS_INLINE void add(codes w, const std::int8_t* q) noexcept { v = _mm512_dpbusd_epi32(v, w.v, broadcast(q)); }
    [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept {
      return {_mm512_maskz_cvtepi32_ps(all, _mm512_sub_epi32(v, _mm512_set1_epi32(less)))};
    }
  };
#include <quipu/linear/vnni_accumulators.ipp>
};

QUIPU_ALWAYS_INLINE tile_ops::floats operator*(tile_ops::floats a, tile_ops::floats b) noexcept {
  return {_mm512_mul_ps(a.v, b.v)};
}
QUIPU_ALWAYS_INLINE tile_ops::floats operator+(tile_ops::floats a, tile_ops::floats b) noexcept {
  return {_mm512_add_ps(a.v, b.v)};
}
/// a b + c
QUIPU_ALWAYS_INLINE tile_ops::floats fma(tile_ops::floats a, tile_ops::floats b, tile_ops::floats c) noexcept {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
/// c - a b
QUIPU_ALWAYS_INLINE tile_ops::floats fnma(tile_ops::floats a, tile_ops::floats b, tile_ops::floats c) noexcept {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}

#include <quipu/linear/packed_kernel_body.ipp>
#include <quipu/linear/plain_kernel_body.ipp>

inline constexpr packed_kernel_table packed_table{
    .set = instruction_set::avx512_vnni, .form = rounded_form::planes, .round = avx2::round_row<rounded_form::planes>, .multiply = multiply_tile, .multiply_plain = multiply_plain_tile};

}  // namespace quipu::linear::avx512

QUIPU_TARGET_END

#endif

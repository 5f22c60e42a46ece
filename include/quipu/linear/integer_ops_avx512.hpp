/// @file What a gate in whole numbers computes with under AVX-512 with VNNI.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/integer_kernel_table.hpp>
#include <quipu/linear/integer_round_avx2.hpp>
#include <quipu/linear/tile_ops_avx512.hpp>

QUIPU_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")

namespace quipu::linear::avx512 {

struct integer_ops : tile_ops {
  static constexpr int integer_tokens = 4;
  static constexpr int integer_tiles = 2;
  static constexpr __mmask8 all8 = 0xff;

  template <int Which>
  QUIPU_ALWAYS_INLINE static __m256i half(__m512i v) noexcept {
    return _mm512_maskz_extracti64x4_epi64(all8, v, Which);
  }

  struct ints {  // (16 neurons)
    __m512i v;
    [[nodiscard]] QUIPU_ALWAYS_INLINE ints plus(ints other) const noexcept { return {_mm512_add_epi32(v, other.v)}; }
  };
  QUIPU_ALWAYS_INLINE static codes without_low_nibbles(codes both) noexcept {
    return {_mm512_and_si512(both.v, _mm512_set1_epi8(static_cast<char>(0xf0)))};
  }
  struct doubles {  // (16 neurons)
    __m512d v[2];
    QUIPU_ALWAYS_INLINE static doubles zero() noexcept { return {{_mm512_setzero_pd(), _mm512_setzero_pd()}}; }
    QUIPU_ALWAYS_INLINE static doubles of(ints a) noexcept {
      return {{_mm512_maskz_cvtepi32_pd(all8, half<0>(a.v)), _mm512_maskz_cvtepi32_pd(all8, half<1>(a.v))}};
    }
    QUIPU_ALWAYS_INLINE void add_product(ints a, doubles b) noexcept {
      const doubles wide = of(a);
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) v[i] = _mm512_fmadd_pd(wide.v[i], b.v[i], v[i]);
    }
    QUIPU_ALWAYS_INLINE void add_product(double a, doubles b) noexcept {
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) v[i] = _mm512_fmadd_pd(_mm512_set1_pd(a), b.v[i], v[i]);
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles squared() const noexcept {
      return {{_mm512_mul_pd(v[0], v[0]), _mm512_mul_pd(v[1], v[1])}};
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles plus(doubles other) const noexcept {
      return {{_mm512_add_pd(v[0], other.v[0]), _mm512_add_pd(v[1], other.v[1])}};
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE doubles root_times(double factor) const noexcept {
      const __m512d f = _mm512_set1_pd(factor);
      return {{_mm512_mul_pd(_mm512_maskz_sqrt_pd(all8, v[0]), f), _mm512_mul_pd(_mm512_maskz_sqrt_pd(all8, v[1]), f)}};
    }
    QUIPU_ALWAYS_INLINE void store(double* to) const noexcept {
      _mm512_storeu_pd(to, v[0]);
      _mm512_storeu_pd(to + 8, v[1]);
    }
    /// to = float(v * (row_scale * scale))
    QUIPU_ALWAYS_INLINE void store_scaled(const float* row_scale, float scale, float* to) const noexcept {
      const __m512d s = _mm512_set1_pd(double{scale});
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) {
        const __m512d both = _mm512_mul_pd(_mm512_maskz_cvtps_pd(all8, _mm256_loadu_ps(row_scale + 8 * i)), s);
        _mm256_storeu_ps(to + 8 * i, _mm512_maskz_cvtpd_ps(all8, _mm512_mul_pd(v[i], both)));
      }
    }
  };

  /// (sum << left) - less
  QUIPU_ALWAYS_INLINE static ints shifted(__m512i sum, unsigned left, std::int32_t less) noexcept {
    return {_mm512_sub_epi32(_mm512_maskz_slli_epi32(all, sum, left), _mm512_set1_epi32(less))};
  }
  QUIPU_ALWAYS_INLINE static ints whole(const plane_accumulator& sum, unsigned left, std::int32_t less) noexcept {
    return shifted(four_byte_sums::joined(sum.high, sum.low).v, left, less);
  }
  QUIPU_ALWAYS_INLINE static ints whole(const byte_accumulator& sum, unsigned left, std::int32_t less) noexcept {
    return shifted(sum.sums.v, left, less);
  }
  QUIPU_ALWAYS_INLINE static doubles load_multipliers(const std::byte* at) noexcept {
    const __m256i first = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
    const __m256i second = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8)));
    return {{_mm512_maskz_cvtepi32_pd(all8, first), _mm512_maskz_cvtepi32_pd(all8, second)}};
  }

  /// 128 columns of activations.
  template <activation_bits Bits>
  struct low_columns {
    __m512i high[2], low[2];
    QUIPU_ALWAYS_INLINE low_columns(const std::int8_t* h, const std::int8_t* l) noexcept
        : high{_mm512_loadu_si512(h), _mm512_loadu_si512(h + 64)},
          low{_mm512_loadu_si512(l), _mm512_loadu_si512(l + 64)} {}
  };

  /// The sums of a row's low nibbles with both halves of activations.
  template <activation_bits Bits>
  struct low_sums {
    __m512i high, low;
    QUIPU_ALWAYS_INLINE static low_sums zero() noexcept { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
    QUIPU_ALWAYS_INLINE static __m512i times(codes nibbles, std::byte m) noexcept {
      const auto* products = reinterpret_cast<const __m128i*>(multiplied_nibbles[std::to_integer<std::size_t>(m)].data());
      return _mm512_shuffle_epi8(_mm512_maskz_broadcast_i32x4(all, _mm_load_si128(products)), nibbles.v);
    }
    QUIPU_ALWAYS_INLINE void add(const std::byte* at, const std::byte* multipliers,
                                 const low_columns<Bits>& q) noexcept {
      const codes both = load(at);
      const __m512i a = times(low_nibbles(both), multipliers[0]), b = times(high_nibbles(both), multipliers[1]);
      high = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(high, a, q.high[0]), b, q.high[1]);
      if constexpr (Bits == activation_bits::sixteen)
        low = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(low, a, q.low[0]), b, q.low[1]);
    }
    QUIPU_ALWAYS_INLINE static std::int32_t sum_of(__m512i v) noexcept {
      const __m256i both = _mm256_add_epi32(half<0>(v), half<1>(v));
      __m128i s = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
      return _mm_cvtsi128_si32(s);
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE double total() const noexcept {
      if constexpr (Bits == activation_bits::eight) return sum_of(high);
      return 256.0 * sum_of(high) + sum_of(low);
    }
  };
};

#include <quipu/linear/integer_kernel_body.ipp>

inline constexpr integer_kernel_table integer_table{.set = instruction_set::avx512_vnni,
                                                    .round = avx2::round_integer_row,
                                                    .multiply = multiply_integer,
                                                    .add_high = add_high,
                                                    .add_low = add_low};

}  // namespace quipu::linear::avx512

QUIPU_TARGET_END

#endif

/// @file What products with packed weights compute with under AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/simd_avx2.hpp>
#include <quipu/linear/packed_kernel_table.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

/// Sixteen rows are two registers of eight lanes.
struct tile_ops {
  static constexpr int tokens_at_once = 4;

  struct codes {  // (16 rows, 4 columns) unsigned bytes
    __m256i v[2];
  };
  struct floats {  // (16 rows)
    __m256 v[2];
    QUIPU_ALWAYS_INLINE static floats zero() noexcept { return {{_mm256_setzero_ps(), _mm256_setzero_ps()}}; }
    QUIPU_ALWAYS_INLINE void store(float* to) const noexcept {
      _mm256_storeu_ps(to, v[0]);
      _mm256_storeu_ps(to + 8, v[1]);
    }
  };

  QUIPU_ALWAYS_INLINE static codes load(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m256i*>(at);
    return {{_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)}};
  }
  QUIPU_ALWAYS_INLINE static codes low_nibbles(codes both) noexcept {
    const __m256i mask = _mm256_set1_epi8(15);
    return {{_mm256_and_si256(both.v[0], mask), _mm256_and_si256(both.v[1], mask)}};
  }
  QUIPU_ALWAYS_INLINE static codes high_nibbles(codes both) noexcept {
    return low_nibbles({{_mm256_srli_epi16(both.v[0], 4), _mm256_srli_epi16(both.v[1], 4)}});
  }
  /// The bits of `plane` that `Mask` names once they are `Left` places further left, beside those of `low`.
  template <int Left, int Mask>
  QUIPU_ALWAYS_INLINE static codes with_bits(codes low, codes plane) noexcept {
    const __m256i mask = _mm256_set1_epi8(Mask);
    for (int i = 0; i < 2; ++i) {
      __m256i moved = plane.v[i];
      if constexpr (Left > 0) moved = _mm256_slli_epi16(moved, Left);
      if constexpr (Left < 0) moved = _mm256_srli_epi16(moved, -Left);
      low.v[i] = _mm256_or_si256(low.v[i], _mm256_and_si256(moved, mask));
    }
    return low;
  }
  QUIPU_ALWAYS_INLINE static floats load_halves(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtph_ps(_mm_loadu_si128(p)), _mm256_cvtph_ps(_mm_loadu_si128(p + 1))}};
  }
  QUIPU_ALWAYS_INLINE static floats load_bytes(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p))),
             _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8))))}};
  }
  QUIPU_ALWAYS_INLINE static floats load_signed_bytes(const std::byte* at) noexcept {
    const auto* p = reinterpret_cast<const __m128i*>(at);
    return {{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))),
             _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 8))))}};
  }
  QUIPU_ALWAYS_INLINE static floats set1(float value) noexcept { return {{_mm256_set1_ps(value), _mm256_set1_ps(value)}}; }

  template <class Value>
  QUIPU_ALWAYS_INLINE static __m256i broadcast(const Value* at) noexcept {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm256_set1_epi32(four);
  }

  /// g++ would gather the additions of a whole block in a tree, and run out of registers.
  QUIPU_ALWAYS_INLINE static void keep(__m256i& sum) noexcept { asm("" : "+x"(sum)); }

  /// Sums of a block as 32-bit numbers: codes are widened to 16 bits, which are multiplied in pairs.
  struct wide_accumulator {
    __m256i v[2];
    struct prepared {  // first and third column, second and fourth
      __m256i even[2], odd[2];
    };
    QUIPU_ALWAYS_INLINE static wide_accumulator zero() noexcept { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}}; }
    QUIPU_ALWAYS_INLINE static prepared prepare(codes w) noexcept {
      const __m256i mask = _mm256_set1_epi16(255);
      return {{_mm256_and_si256(w.v[0], mask), _mm256_and_si256(w.v[1], mask)},
              {_mm256_srli_epi16(w.v[0], 8), _mm256_srli_epi16(w.v[1], 8)}};
    }
    template <int Group>
    QUIPU_ALWAYS_INLINE void add(const prepared& w, rounded_rows x, std::size_t at) noexcept {
      const __m256i even = broadcast(x.pairs + at), odd = broadcast(x.pairs + at + 2);
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) {
        v[i] = _mm256_add_epi32(v[i], _mm256_madd_epi16(w.even[i], even));
        v[i] = _mm256_add_epi32(v[i], _mm256_madd_epi16(w.odd[i], odd));
        keep(v[i]);
      }
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept {
      const __m256i l = _mm256_set1_epi32(less);
      return {{_mm256_cvtepi32_ps(_mm256_sub_epi32(v[0], l)), _mm256_cvtepi32_ps(_mm256_sub_epi32(v[1], l))}};
    }
  };

  /// The same for activations of 8 bits and codes of at most 6: products of bytes, whose sums of 16 bits are widened before
  /// they could overflow.
  template <int CodeBits>
  struct byte_accumulator {
    static constexpr int groups = CodeBits == 4 ? 8 : CodeBits == 5 ? 4 : 2;  // whose sums fit into 16 bits
    static_assert(groups * 2 * ((1 << CodeBits) - 1) * 127 <= 32767);
    __m256i v[2], pairs[2];
    using prepared = codes;
    QUIPU_ALWAYS_INLINE static byte_accumulator zero() noexcept {
      const __m256i z = _mm256_setzero_si256();
      return {{z, z}, {z, z}};
    }
    QUIPU_ALWAYS_INLINE static prepared prepare(codes w) noexcept { return w; }
    template <int Group>
    QUIPU_ALWAYS_INLINE void add(const prepared& w, rounded_rows x, std::size_t at) noexcept {
      const __m256i q = broadcast(x.high + at);
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) {
        const __m256i product = _mm256_maddubs_epi16(w.v[i], q);
        pairs[i] = Group % groups == 0 ? product : _mm256_add_epi16(pairs[i], product);
        if constexpr (Group % groups == groups - 1)
          v[i] = _mm256_add_epi32(v[i], _mm256_madd_epi16(pairs[i], _mm256_set1_epi16(1)));
        keep(pairs[i]);
      }
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept {
      return wide_accumulator{{v[0], v[1]}}.total(less);
    }
  };

  template <int CodeBits, activation_bits Bits>
  struct choose {
    using type = wide_accumulator;
  };
  template <int CodeBits>
    requires(CodeBits < 8)
  struct choose<CodeBits, activation_bits::eight> {
    using type = byte_accumulator<CodeBits>;
  };
  template <int CodeBits, activation_bits Bits>
  using accumulator = typename choose<CodeBits, Bits>::type;
};

QUIPU_ALWAYS_INLINE tile_ops::floats operator*(tile_ops::floats a, tile_ops::floats b) noexcept {
  return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
}
/// a b + c
QUIPU_ALWAYS_INLINE tile_ops::floats fma(tile_ops::floats a, tile_ops::floats b, tile_ops::floats c) noexcept {
  return {{_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1])}};
}
/// c - a b
QUIPU_ALWAYS_INLINE tile_ops::floats fnma(tile_ops::floats a, tile_ops::floats b, tile_ops::floats c) noexcept {
  return {{_mm256_fnmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fnmadd_ps(a.v[1], b.v[1], c.v[1])}};
}

#include <quipu/linear/packed_kernel_body.ipp>

/// d = max |x| / largest, q = x / d to the nearest, ties to even.
inline void round_row(const float* x, std::size_t n, activation_bits bits, rounded_rows out) noexcept {
  const float largest = static_cast<float>(largest_rounded(bits));
  const __m256 sign = _mm256_set1_ps(-0.0f);
  for (std::size_t b = 0; b < n / packed_block; ++b) {
    const float* from = x + b * packed_block;
    __m256 v[4];
    for (int i = 0; i < 4; ++i) v[i] = _mm256_loadu_ps(from + 8 * i);
    const __m256 a = _mm256_max_ps(_mm256_max_ps(_mm256_andnot_ps(sign, v[0]), _mm256_andnot_ps(sign, v[1])),
                                   _mm256_max_ps(_mm256_andnot_ps(sign, v[2]), _mm256_andnot_ps(sign, v[3])));
    const float most = quipu::avx2::f32x{a}.largest();
    const __m256 zero = _mm256_setzero_ps();
    // 0, or NaN if a value is not finite
    const __m256 check = _mm256_fmadd_ps(v[0], zero, _mm256_fmadd_ps(v[1], zero, _mm256_fmadd_ps(v[2], zero, _mm256_mul_ps(v[3], zero))));
    const float d = most / largest + quipu::avx2::f32x{check}.sum();
    const __m256 inverse = _mm256_set1_ps(most > 0 ? largest / most : 0.0f);
    out.d[b] = d;
    __m256i q[4];
    for (int i = 0; i < 4; ++i) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));  // columns 8 i .. 8 i + 7
    for (int half = 0; half < 2; ++half) {
      const __m256i sum = _mm256_add_epi32(q[2 * half], q[2 * half + 1]);
      __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
      s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
      out.sums[2 * b + static_cast<std::size_t>(half)] = _mm_cvtsi128_si32(s);
    }
    for (int half = 0; half < 2; ++half) {
      // packs works within 128 bits: 0..3 8..11 | 4..7 12..15
      const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(q[2 * half], q[2 * half + 1]), 0xd8);
      const __m256i swap = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.pairs + b * packed_block + 16 * static_cast<std::size_t>(half)), _mm256_shuffle_epi8(packed, swap));
      if (bits == activation_bits::eight) {
        const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out.high + b * packed_block + 16 * static_cast<std::size_t>(half)), bytes);
      }
    }
  }
}

inline constexpr packed_kernel_table packed_table{
    .set = instruction_set::avx2, .round = round_row, .multiply = multiply_tile};

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

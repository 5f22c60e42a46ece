/// @file What products with packed weights compute with under AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/round_avx2.hpp>
#include <quipu/linear/tile_registers_avx2.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

struct tile_ops : ymm::tile_registers {
  static constexpr int tokens_at_once = 4, plain_tokens = 4;

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
      return widened(v[0], v[1], less);
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
      return widened(v[0], v[1], less);
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

#include <quipu/linear/packed_kernel_body.ipp>
#include <quipu/linear/plain_kernel_body.ipp>

inline constexpr packed_kernel_table packed_table{
    .set = instruction_set::avx2, .form = rounded_form::bytes, .round = round_row<rounded_form::bytes>, .multiply = multiply_tile, .multiply_plain = multiply_plain_tile};

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

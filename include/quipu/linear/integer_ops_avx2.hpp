/// @file What a gate in whole numbers computes with under AVX2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/linear/integer_kernel_table.hpp>
#include <quipu/linear/integer_registers_avx2.hpp>
#include <quipu/linear/integer_round_avx2.hpp>
#include <quipu/linear/tile_ops_avx2.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

struct integer_ops : tile_ops, ymm::integer_registers {
  static constexpr int integer_tokens = 4;
  static constexpr int integer_tiles = 1;

  /// (sum << left) - less
  template <class Sum>
  QUIPU_ALWAYS_INLINE static ints whole(const Sum& sum, int left, std::int32_t less) noexcept {
    return shifted(sum.v[0], sum.v[1], left, less);
  }

  /// 128 columns of activations.
  template <activation_bits Bits>
  struct low_columns {
    const std::int8_t *high, *low;
    QUIPU_ALWAYS_INLINE low_columns(const std::int8_t* h, const std::int8_t* l) noexcept : high(h), low(l) {}
  };

  /// The sums of a row's low nibbles with both halves of activations.
  template <activation_bits Bits>
  struct low_sums {
    __m256i high, low;
    QUIPU_ALWAYS_INLINE static low_sums zero() noexcept { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
    /// Products of a nibble and a byte are at most 15 * 128, and four of them fit into 16 bits.
    QUIPU_ALWAYS_INLINE static __m256i added(__m256i sum, const __m256i (&w)[2], const std::int8_t* q,
                                             __m256i m) noexcept {
      const __m256i pairs =
          _mm256_add_epi16(_mm256_maddubs_epi16(w[0], load_signed(q)), _mm256_maddubs_epi16(w[1], load_signed(q + 32)));
      return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, m));
    }
    QUIPU_ALWAYS_INLINE void add(const std::byte* codes, const std::byte* multipliers,
                                 const low_columns<Bits>& q) noexcept {
      const tile_registers::codes both = load(codes), first = low_nibbles(both), second = high_nibbles(both);
      const __m256i m[2] = {_mm256_set1_epi16(std::to_integer<std::int16_t>(multipliers[0])),
                            _mm256_set1_epi16(std::to_integer<std::int16_t>(multipliers[1]))};
      high = added(added(high, first.v, q.high, m[0]), second.v, q.high + 64, m[1]);
      if constexpr (Bits == activation_bits::sixteen)
        low = added(added(low, first.v, q.low, m[0]), second.v, q.low + 64, m[1]);
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE double total() const noexcept {
      if constexpr (Bits == activation_bits::eight) return sum_of(high);
      return 256.0 * sum_of(high) + sum_of(low);
    }
  };
};

#include <quipu/linear/integer_kernel_body.ipp>

inline constexpr integer_kernel_table integer_table{.set = instruction_set::avx2,
                                                    .round = round_integer_row,
                                                    .multiply = multiply_integer,
                                                    .add_high = add_high,
                                                    .add_low = add_low};

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

/// @file What a gate in whole numbers computes with under AVX-VNNI.
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
#include <quipu/linear/tile_ops_avx_vnni.hpp>

QUIPU_TARGET_BEGIN("avxvnni,avx2,fma,f16c")

namespace quipu::linear::avx_vnni {

struct integer_ops : tile_ops, ymm::integer_registers {
  static constexpr int integer_tokens = 2;  // of both halves of activations: four sums of two registers
  static constexpr int integer_tiles = 1;

  /// (sum << left) - less
  QUIPU_ALWAYS_INLINE static ints whole(const plane_accumulator& sum, int left, std::int32_t less) noexcept {
    const four_byte_sums both = four_byte_sums::joined(sum.high, sum.low);
    return shifted(both.v[0], both.v[1], left, less);
  }
  QUIPU_ALWAYS_INLINE static ints whole(const byte_accumulator& sum, int left, std::int32_t less) noexcept {
    return shifted(sum.sums.v[0], sum.sums.v[1], left, less);
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
    QUIPU_ALWAYS_INLINE static __m256i times(const __m256i& nibbles, std::byte m) noexcept {
      const auto* table = reinterpret_cast<const __m128i*>(multiplied_nibbles[std::to_integer<std::size_t>(m)].data());
      return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(table)), nibbles);
    }
    QUIPU_ALWAYS_INLINE void add(const std::byte* codes, const std::byte* multipliers,
                                 const low_columns<Bits>& q) noexcept {
      const tile_registers::codes both = load(codes), first = low_nibbles(both), second = high_nibbles(both);
      QUIPU_UNROLL
      for (int i = 0; i < 2; ++i) {
        const __m256i a = times(first.v[i], multipliers[0]), b = times(second.v[i], multipliers[1]);
        high = _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(high, a, load_signed(q.high + 32 * i)), b,
                                       load_signed(q.high + 64 + 32 * i));
        if constexpr (Bits == activation_bits::sixteen)
          low = _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(low, a, load_signed(q.low + 32 * i)), b,
                                        load_signed(q.low + 64 + 32 * i));
      }
    }
    [[nodiscard]] QUIPU_ALWAYS_INLINE double total() const noexcept {
      if constexpr (Bits == activation_bits::eight) return sum_of(high);
      return 256.0 * sum_of(high) + sum_of(low);
    }
  };
};

#include <quipu/linear/integer_kernel_body.ipp>

inline constexpr integer_kernel_table integer_table{.set = instruction_set::avx_vnni,
                                                    .round = avx2::round_integer_row,
                                                    .multiply = multiply_integer,
                                                    .add_high = add_high,
                                                    .add_low = add_low};

}  // namespace quipu::linear::avx_vnni

QUIPU_TARGET_END

#endif

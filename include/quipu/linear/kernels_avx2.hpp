/// @file The kernels for AVX2, FMA and F16C.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <quipu/core/simd_avx2.hpp>  // f32x, f64x
#include <quipu/core/tensor_type.hpp>
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/packing_avx2.hpp>
#include <quipu/linear/smallest_rounded.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

using quipu::avx2::f32x;
using quipu::avx2::f64x;

#include <quipu/linear/kernel_body.ipp>

inline std::size_t list_active(const float* gate, std::size_t n, float threshold, std::uint32_t* rows) noexcept {
  const __m256 limit = _mm256_set1_ps(threshold), zero = _mm256_setzero_ps();
  std::size_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 z = _mm256_loadu_ps(gate + i);
    const __m256 idle = _mm256_or_ps(_mm256_cmp_ps(z, limit, _CMP_LT_OQ), _mm256_cmp_ps(z, zero, _CMP_LE_OQ));
    auto active = static_cast<unsigned>(~_mm256_movemask_ps(idle)) & 0xffu;
    for (; active != 0; active &= active - 1) {
      rows[count++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctz(active));
    }
  }
  for (; i < n; ++i) {
    if (!(gate[i] < threshold) && !(gate[i] <= 0.0f)) rows[count++] = static_cast<std::uint32_t>(i);
  }
  return count;
}

// Blocks of 8- and 4-bit weights against f32 activations: within a block sum q x and, if there is an offset,
// sum x; the scales come in once a block.
template <tensor_type Type, int Rows>
void dot_wide_blocks(const std::byte* w, std::size_t stride, const float* x, std::size_t n_block, float* y) noexcept {
  constexpr std::size_t bytes = block_of(Type).bytes;
  f32x sums[Rows];
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) sums[r] = f32x::zero();
  for (std::size_t block = 0; block < n_block; ++block, x += int8_block) {
    const f32x x0 = f32x::load(x), x1 = f32x::load(x + 8), x2 = f32x::load(x + 16), x3 = f32x::load(x + 24);
    f32x total = f32x::zero();
    if constexpr (Type != tensor_type::q8_0) total = (x0 + x1) + (x2 + x3);
    QUIPU_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const std::byte* at = w + static_cast<std::size_t>(r) * stride + block * bytes;
      const f32x d = f32x::set1(scale_at(at));
      __m128i low, high;
      if constexpr (Type == tensor_type::q8_0) {
        low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
        high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 18));
      } else {
        const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + bytes - 16));
        low = _mm_and_si128(packed, _mm_set1_epi8(15));
        high = _mm_and_si128(_mm_srli_epi16(packed, 4), _mm_set1_epi8(15));
      }
      const auto widened = [](__m128i q) { return f32x{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q))}; };
      f32x dot = widened(low) * x0;
      dot = fma(widened(_mm_srli_si128(low, 8)), x1, dot);
      dot = fma(widened(high), x2, dot);
      dot = fma(widened(_mm_srli_si128(high, 8)), x3, dot);
      sums[r] = fma(d, dot, sums[r]);
      if constexpr (Type == tensor_type::q4_1) sums[r] = fma(f32x::set1(scale_at(at + 2)), total, sums[r]);
      if constexpr (Type == tensor_type::q4_0) sums[r] = fma(f32x::set1(-8.0f) * d, total, sums[r]);
    }
  }
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) y[r] = sums[r].sum();
}

template <tensor_type Type>
void dot_rows_wide_blocks(const std::byte* w, std::size_t stride, std::size_t n_row, const float* x, std::size_t n,
                          float* y) noexcept {
  std::size_t i = 0;
  for (; i + 2 <= n_row; i += 2) dot_wide_blocks<Type, 2>(w + i * stride, stride, x, n / int8_block, y + i);
  for (; i < n_row; ++i) dot_wide_blocks<Type, 1>(w + i * stride, stride, x, n / int8_block, y + i);
}

inline void dot_rows_any(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, const float* x,
                         std::size_t n, float* y) noexcept {
  switch (type) {
    case tensor_type::q8_0: return dot_rows_wide_blocks<tensor_type::q8_0>(w, stride, n_row, x, n, y);
    case tensor_type::q4_0: return dot_rows_wide_blocks<tensor_type::q4_0>(w, stride, n_row, x, n, y);
    case tensor_type::q4_1: return dot_rows_wide_blocks<tensor_type::q4_1>(w, stride, n_row, x, n, y);
    default: return dot_rows(type, w, stride, n_row, x, n, y);
  }
}

inline void round_to_int8(const float* x, std::size_t n, std::int8_t* q, float* d, float* s) noexcept {
  for (std::size_t block = 0; block < n / int8_block; ++block) {
    const f32x v[4] = {f32x::load(x), f32x::load(x + 8), f32x::load(x + 16), f32x::load(x + 24)};
    // As integers the sizes of floats keep their order and NaN is the largest of all, so none gets lost.
    const auto bits = [&](int i) { return _mm256_castps_si256(abs(v[i]).v); };
    const __m256i four = _mm256_max_epi32(_mm256_max_epi32(bits(0), bits(1)), _mm256_max_epi32(bits(2), bits(3)));
    __m128i top = _mm_max_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    top = _mm_max_epi32(top, _mm_shuffle_epi32(top, 0x4e));
    top = _mm_max_epi32(top, _mm_shuffle_epi32(top, 0xb1));
    const float largest = _mm_cvtss_f32(_mm_castsi128_ps(top));
    const bool rounds = largest > smallest_rounded && largest <= std::numeric_limits<float>::max();
    const __m256 inverse = _mm256_set1_ps(rounds ? 127.0f / largest : 0.0f);
    const __m256 kept = _mm256_castsi256_ps(_mm256_set1_epi32(rounds ? -1 : 0));  // NaN and infinity have no whole number
    const float scale = largest / 127.0f;
    __m256i r[4];
    QUIPU_UNROLL
    for (int i = 0; i < 4; ++i) r[i] = _mm256_cvtps_epi32(_mm256_and_ps(kept, _mm256_mul_ps(v[i].v, inverse)));
    const __m256i total = _mm256_add_epi32(_mm256_add_epi32(r[0], r[1]), _mm256_add_epi32(r[2], r[3]));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    // packs work within 128-bit halves; the permutation puts the groups of four back in order
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(r[0], r[1]), _mm256_packs_epi32(r[2], r[3]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q),
                        _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    d[block] = scale;
    s[block] = scale * static_cast<float>(_mm_cvtsi128_si32(sum));
    x += int8_block;
    q += int8_block;
  }
}

// Sums of four neighbours' products, as floats. With unsigned weights (nibbles) the pairs of 16-bit
// sums cannot overflow: 2 * 15 * 127.
inline __m256 dot_unsigned(__m256i w, __m256i x) noexcept {
  return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}
// Signed weights: the sign moves to the other factor; 2 * 128 * 127 still fits.
inline __m256 dot_signed(__m256i w, __m256i x) noexcept {
  return dot_unsigned(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

template <tensor_type Type, int Rows>
void dot_blocks(const std::byte* w, std::size_t stride, int8_row x, std::size_t n_block, float* y) noexcept {
  constexpr std::size_t bytes = block_of(Type).bytes;
  __m256 sums[Rows];
  __m128 offsets[Rows];
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    sums[r] = _mm256_setzero_ps();
    offsets[r] = _mm_setzero_ps();
  }
  for (std::size_t block = 0; block < n_block; ++block) {
    const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.q + block * int8_block));
    // lane 0: the activations' scale, lane 1: what pays for the offset
    const __m128 scales = _mm_unpacklo_ps(_mm_load_ss(x.d + block), _mm_load_ss(x.s + block));
    QUIPU_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const std::byte* at = w + static_cast<std::size_t>(r) * stride + block * bytes;
      if constexpr (Type == tensor_type::q4_1) {
        std::uint32_t both;
        std::memcpy(&both, at, sizeof both);
        const __m128 scaled =
            _mm_mul_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(both))), scales);  // d d_x, m s_x
        offsets[r] = _mm_add_ps(offsets[r], scaled);
        sums[r] = _mm256_fmadd_ps(dot_unsigned(nibbles_at(at + 4), q), _mm256_broadcastss_ps(scaled), sums[r]);
      } else {
        std::uint16_t half;
        std::memcpy(&half, at, sizeof half);
        const __m128 d = _mm_mul_ss(_mm_cvtph_ps(_mm_cvtsi32_si128(half)), scales);
        __m256 dot;
        if constexpr (Type == tensor_type::q4_0) {
          dot = dot_signed(_mm256_sub_epi8(nibbles_at(at + 2), _mm256_set1_epi8(8)), q);
        } else {
          dot = dot_signed(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 2)), q);
        }
        sums[r] = _mm256_fmadd_ps(dot, _mm256_broadcastss_ps(d), sums[r]);
      }
    }
  }
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const float offset = _mm_cvtss_f32(_mm_shuffle_ps(offsets[r], offsets[r], 1));
    y[r] = f32x{sums[r]}.sum() + (Type == tensor_type::q4_1 ? offset : 0.0f);
  }
}

template <tensor_type Type>
void dot_rows_of(const std::byte* w, std::size_t stride, std::size_t n_row, int8_row x, std::size_t n,
                 float* y) noexcept {
  std::size_t i = 0;
  for (; i + 4 <= n_row; i += 4) dot_blocks<Type, 4>(w + i * stride, stride, x, n / int8_block, y + i);
  for (; i < n_row; ++i) dot_blocks<Type, 1>(w + i * stride, stride, x, n / int8_block, y + i);
}

inline void dot_rows_int8(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                          int8_row x, std::size_t n, float* y) noexcept {
  switch (type) {
    case tensor_type::q4_0: return dot_rows_of<tensor_type::q4_0>(w, stride, n_row, x, n, y);
    case tensor_type::q4_1: return dot_rows_of<tensor_type::q4_1>(w, stride, n_row, x, n, y);
    default: return dot_rows_of<tensor_type::q8_0>(w, stride, n_row, x, n, y);
  }
}

inline void fill_tile(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                      std::size_t n, weight_tile tile) noexcept {
  const std::size_t bytes = block_of(type).bytes;
  for (std::size_t block = 0; block < n / int8_block; ++block) {
    __m256i q[8];
    for (std::size_t r = 0; r < weight_tile::rows; ++r) {
      q[r] = _mm256_setzero_si256();
      float d = 0, m = 0;
      if (r < n_row) {
        const std::byte* at = w + r * stride + block * bytes;
        d = scale_at(at);
        if (type == tensor_type::q8_0) {
          q[r] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 2));
        } else if (type == tensor_type::q4_1) {
          q[r] = nibbles_at(at + 4);
          m = scale_at(at + 2);
        } else {
          q[r] = nibbles_at(at + 2);
          m = -8.0f * d;
        }
      }
      tile.d[block * 8 + r] = d;
      tile.m[block * 8 + r] = m;
    }
    transpose8(q);
    QUIPU_UNROLL
    for (int i = 0; i < 8; ++i) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(tile.q + block * 256) + i, q[i]);
    }
  }
}

// `Tokens` activation rows against eight weight rows; lane i belongs to weight row i.
template <bool Signed, int Tokens>
void tile_tokens(weight_tile tile, int8_row x, std::size_t n, float* y, std::size_t y_stride,
                 std::size_t n_row) noexcept {
  const std::size_t n_block = n / int8_block;
  __m256 sums[Tokens];
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) sums[t] = _mm256_setzero_ps();
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::size_t block = 0; block < n_block; ++block) {
    const auto* w = reinterpret_cast<const __m256i*>(tile.q + block * 256);
    const std::int8_t* q = x.q + block * int8_block;
    __m256i dots[Tokens];
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) dots[t] = _mm256_setzero_si256();
    QUIPU_UNROLL
    for (int i = 0; i < 8; ++i) {
      const __m256i wi = _mm256_load_si256(w + i);
      const __m256i size = Signed ? _mm256_abs_epi8(wi) : wi;
      QUIPU_UNROLL
      for (int t = 0; t < Tokens; ++t) {
        int four;
        std::memcpy(&four, q + static_cast<std::size_t>(t) * n + static_cast<std::size_t>(i) * 4, sizeof four);
        const __m256i xi = _mm256_set1_epi32(four);
        if constexpr (Signed) {
          dots[t] = _mm256_add_epi32(
              dots[t], _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(xi, wi)), ones));
        } else {  // eight sums of 2 * 15 * 127 still fit into 16 bits
          dots[t] = _mm256_add_epi16(dots[t], _mm256_maddubs_epi16(size, xi));
        }
      }
    }
    const __m256 d = _mm256_load_ps(tile.d + block * 8);
    const __m256 m = _mm256_load_ps(tile.m + block * 8);
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) {
      const std::size_t at = static_cast<std::size_t>(t) * n_block + block;
      const __m256i dot = Signed ? dots[t] : _mm256_madd_epi16(dots[t], ones);
      sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(d, _mm256_broadcast_ss(x.d + at)), sums[t]);
      if constexpr (!Signed) sums[t] = _mm256_fmadd_ps(m, _mm256_broadcast_ss(x.s + at), sums[t]);
    }
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) {
    float* to = y + static_cast<std::size_t>(t) * y_stride;
    if (n_row == 8) {
      _mm256_storeu_ps(to, sums[t]);
    } else {
      alignas(32) float all[8];
      _mm256_store_ps(all, sums[t]);
      std::memcpy(to, all, n_row * sizeof(float));
    }
  }
}

template <bool Signed>
void tile_all(weight_tile tile, int8_row x, std::size_t n_token, std::size_t n, float* y,
              std::size_t y_stride, std::size_t n_row) noexcept {
  const auto at = [&](std::size_t t) {
    return int8_row{x.q + t * n, x.d + t * (n / int8_block), x.s + t * (n / int8_block)};
  };
  std::size_t t = 0;
  for (; t + 4 <= n_token; t += 4) tile_tokens<Signed, 4>(tile, at(t), n, y + t * y_stride, y_stride, n_row);
  for (; t < n_token; ++t) tile_tokens<Signed, 1>(tile, at(t), n, y + t * y_stride, y_stride, n_row);
}

inline void int8_tile(tensor_type type, weight_tile tile, int8_row x, std::size_t n_token, std::size_t n,
                      float* y, std::size_t y_stride, std::size_t n_row) noexcept {
  if (type == tensor_type::q8_0) return tile_all<true>(tile, x, n_token, n, y, y_stride, n_row);
  tile_all<false>(tile, x, n_token, n, y, y_stride, n_row);
}

inline constexpr kernel_table table{.set = instruction_set::avx2,
                                    .dot_rows = dot_rows_any,
                                    .dot = dot,
                                    .dot_rows_int8 = dot_rows_int8,
                                    .add_listed = add_listed,
                                    .list_active = list_active,
                                    .round_to_int8 = round_to_int8,
                                    .fill_tile = fill_tile,
                                    .int8_tile = int8_tile,
                                    .widen = widen,
                                    .gemm_tile_f32 = gemm_tile<f32x>,
                                    .gemm_tile_f64 = gemm_tile<f64x>,
                                    .interleave_f32 = interleave_f32,
                                    .widen_block_column = widen_block_column,
                                    .widen_panel = widen_panel};

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

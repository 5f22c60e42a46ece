/// @file The kernels for AVX2, FMA and F16C that widen weights and bring them into panels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/simd_avx2.hpp>  // f32x
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/dequantise.hpp>   // dequantise_row
#include <quipu/linear/kernel_table.hpp>

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::linear::avx2 {

using quipu::avx2::f32x;

// A scale stored as binary16, at any address.
inline float scale_at(const std::byte* p) noexcept {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}

// The 32 nibbles of a 4-bit block as bytes 0 .. 15, in the order of the elements.
inline __m256i nibbles_at(const std::byte* p) noexcept {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(packed), _mm_srli_epi16(packed, 4), 1);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// d q + m of 16 bytes q; product and sum are rounded apart, as the reference dequantisation does.
inline void store_widened(__m128i bytes, __m256 d, __m256 m, float* to) noexcept {
  const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)));
  _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(low, d), m));
  _mm256_storeu_ps(to + 8, _mm256_add_ps(_mm256_mul_ps(high, d), m));
}

inline void widen(tensor_type type, const std::byte* w, std::size_t n, float* out) noexcept {
  const auto widen_plain = [&](const auto* source) {
    const std::size_t whole = n / 8 * 8;
    for (std::size_t k = 0; k < whole; k += 8) f32x::load(source + k).store(out + k);
    for (std::size_t k = whole; k < n; ++k) out[k] = static_cast<float>(source[k]);
  };
  switch (type) {
    case tensor_type::f16: return widen_plain(reinterpret_cast<const f16*>(w));
    case tensor_type::bf16: return widen_plain(reinterpret_cast<const bf16*>(w));
    case tensor_type::q8_0:
      for (std::size_t k = 0; k < n; k += 32, w += sizeof(block_q8_0)) {
        const __m256 d = _mm256_set1_ps(scale_at(w));
        const auto* q = reinterpret_cast<const std::int8_t*>(w + 2);
        for (std::size_t i = 0; i < 32; i += 8) {
          _mm256_storeu_ps(out + k + i, _mm256_mul_ps(f32x::load(q + i).v, d));
        }
      }
      return;
    case tensor_type::q4_0:
    case tensor_type::q4_1: {
      const bool centred = type == tensor_type::q4_0;
      const std::size_t header = centred ? 2 : 4;
      for (std::size_t k = 0; k < n; k += 32, w += header + 16) {
        __m256i q = nibbles_at(w + header);
        if (centred) q = _mm256_sub_epi8(q, _mm256_set1_epi8(8));
        const __m256 d = _mm256_set1_ps(scale_at(w));
        const __m256 m = _mm256_set1_ps(centred ? 0.0f : scale_at(w + 2));
        store_widened(_mm256_castsi256_si128(q), d, m, out + k);
        store_widened(_mm256_extracti128_si256(q, 1), d, m, out + k + 16);
      }
      return;
    }
    default: return io::dequantise_row(type, w, out, n);
  }
}

// 8 rows of 8 32-bit words become 8 columns.
inline void transpose8(__m256i (&r)[8]) noexcept {
  __m256i t[8], u[8];
  QUIPU_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  QUIPU_UNROLL
  for (int i = 0; i < 2; ++i) {
    u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  QUIPU_UNROLL
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

// Four columns of six rows; rows from `rows` on count as 0.
inline void interleave_six(const float* in, std::size_t ld, std::size_t rows, float* out) noexcept {
  __m128 r[6];
  for (std::size_t i = 0; i < 6; ++i) r[i] = i < rows ? _mm_loadu_ps(in + i * ld) : _mm_setzero_ps();
  const __m128 low = _mm_unpacklo_ps(r[4], r[5]), high = _mm_unpackhi_ps(r[4], r[5]);
  _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
  _mm_storeu_ps(out, r[0]);
  _mm_storel_pi(reinterpret_cast<__m64*>(out + 4), low);
  _mm_storeu_ps(out + 6, r[1]);
  _mm_storeh_pi(reinterpret_cast<__m64*>(out + 10), low);
  _mm_storeu_ps(out + 12, r[2]);
  _mm_storel_pi(reinterpret_cast<__m64*>(out + 16), high);
  _mm_storeu_ps(out + 18, r[3]);
  _mm_storeh_pi(reinterpret_cast<__m64*>(out + 22), high);
}

inline void interleave_f32(const float* in, std::size_t ld, std::size_t rows, std::size_t k,
                           std::size_t width, float* out) noexcept {
  std::size_t j = 0;
  if (width == 16) {
    for (; j + 8 <= k; j += 8) {
      for (std::size_t half = 0; half < 2; ++half) {
        __m256i block[8];
        QUIPU_UNROLL
        for (std::size_t i = 0; i < 8; ++i) {
          const std::size_t row = half * 8 + i;
          block[i] = row < rows ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + row * ld + j))
                                : _mm256_setzero_si256();
        }
        transpose8(block);
        QUIPU_UNROLL
        for (std::size_t i = 0; i < 8; ++i) {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (j + i) * 16 + half * 8), block[i]);
        }
      }
    }
  } else if (width == 6) {
    for (; j + 4 <= k; j += 4) interleave_six(in + j, ld, rows, out + j * 6);
  }
  for (; j < k; ++j) {
    for (std::size_t i = 0; i < width; ++i) out[j * width + i] = i < rows ? in[i * ld + j] : 0.0f;
  }
}

inline void widen_block_column(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, float* left,
                               float* right) noexcept {
  if (type == tensor_type::q4_1 || type == tensor_type::q4_0) {
    const bool centred = type == tensor_type::q4_0;
    const std::size_t header = centred ? 2 : 4;
    const __m128i mask = _mm_set1_epi8(15), centre = _mm_set1_epi8(centred ? 8 : 0);
    for (std::size_t r = 0; r < n_row; ++r, w += stride, left += 16, right += 16) {
      const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(w + header));
      const __m256 d = _mm256_set1_ps(scale_at(w)), m = _mm256_set1_ps(centred ? 0.0f : scale_at(w + 2));
      store_widened(_mm_sub_epi8(_mm_and_si128(packed, mask), centre), d, m, left);
      store_widened(_mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(packed, 4), mask), centre), d, m, right);
    }
    return;
  }
  alignas(64) float both[int8_block];
  for (std::size_t r = 0; r < n_row; ++r, w += stride) {
    widen(type, w, int8_block, both);
    std::memcpy(left + r * 16, both, 16 * sizeof(float));
    std::memcpy(right + r * 16, both + 16, 16 * sizeof(float));
  }
}

// Rows of bytes become columns: each of four rounds moves a bit of an element's row number into its column number.
inline void transpose16(__m128i (&r)[16]) noexcept {
  for (int round = 0; round < 4; ++round) {
    __m128i t[16];
    QUIPU_UNROLL
    for (int i = 0; i < 8; ++i) {
      t[2 * i] = _mm_unpacklo_epi8(r[i], r[i + 8]);
      t[2 * i + 1] = _mm_unpackhi_epi8(r[i], r[i + 8]);
    }
    QUIPU_UNROLL
    for (int i = 0; i < 16; ++i) r[i] = t[i];
  }
}

inline void widen_panel(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, std::size_t n,
                        float* out) noexcept {
  const bool centred = type == tensor_type::q4_0;
  const std::size_t header = centred ? 2 : 4;
  const __m128i mask = _mm_set1_epi8(15), centre = _mm_set1_epi8(centred ? 8 : 0);
  alignas(32) float d[16] = {}, m[16] = {};
  for (std::size_t k = 0; k < n; k += int8_block, w += header + 16, out += int8_block * 16) {
    __m128i r[16];
    for (std::size_t i = 0; i < 16; ++i) {
      r[i] = _mm_setzero_si128();
      if (i >= n_row) continue;
      const std::byte* at = w + i * stride;
      r[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + header));
      d[i] = scale_at(at);
      if (!centred) m[i] = scale_at(at + 2);
    }
    transpose16(r);
    const __m256 d0 = _mm256_load_ps(d), d1 = _mm256_load_ps(d + 8), m0 = _mm256_load_ps(m), m1 = _mm256_load_ps(m + 8);
    const auto store = [&](__m128i bytes, float* to) {
      const __m128i q = _mm_sub_epi8(bytes, centre);
      const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q));
      const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
      _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(low, d0), m0));
      _mm256_storeu_ps(to + 8, _mm256_add_ps(_mm256_mul_ps(high, d1), m1));
    };
    for (std::size_t i = 0; i < 16; ++i) {
      store(_mm_and_si128(r[i], mask), out + i * 16);
      store(_mm_and_si128(_mm_srli_epi16(r[i], 4), mask), out + (i + 16) * 16);
    }
  }
}

}  // namespace quipu::linear::avx2

QUIPU_TARGET_END

#endif

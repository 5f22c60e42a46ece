/// @file Vector registers of AVX2 with FMA and F16C.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/scalar.hpp>  // f16, bf16

QUIPU_TARGET_BEGIN("avx2,fma,f16c")

namespace quipu::avx2 {

/// Eight floats. Members as in `portable::vector_register`; functions stand outside the class because
/// g++ 12 does not give the region's target to friends.
struct f32x {
  using value_type = float;
  static constexpr std::size_t width = 8;

  __m256 v;

  static f32x zero() noexcept { return {_mm256_setzero_ps()}; }
  static f32x set1(float x) noexcept { return {_mm256_set1_ps(x)}; }
  static f32x load(const float* p) noexcept { return {_mm256_loadu_ps(p)}; }
  static f32x load(const f16* p) noexcept {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static f32x load(const bf16* p) noexcept {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
  }
  static f32x load(const std::int8_t* p) noexcept {
    return {_mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  void store(float* p) const noexcept { _mm256_storeu_ps(p, v); }
  void store(f16* p) const noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }

  [[nodiscard]] float sum() const noexcept {
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    r = _mm_add_ss(r, _mm_shuffle_ps(r, r, 1));
    return _mm_cvtss_f32(r);
  }
  [[nodiscard]] float largest() const noexcept {
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    r = _mm_max_ss(r, _mm_shuffle_ps(r, r, 1));
    return _mm_cvtss_f32(r);
  }
};

inline f32x operator+(f32x a, f32x b) noexcept { return {_mm256_add_ps(a.v, b.v)}; }
inline f32x operator-(f32x a, f32x b) noexcept { return {_mm256_sub_ps(a.v, b.v)}; }
inline f32x operator*(f32x a, f32x b) noexcept { return {_mm256_mul_ps(a.v, b.v)}; }
inline f32x operator/(f32x a, f32x b) noexcept { return {_mm256_div_ps(a.v, b.v)}; }
inline f32x fma(f32x a, f32x b, f32x c) noexcept { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline f32x max(f32x a, f32x b) noexcept { return {_mm256_max_ps(a.v, b.v)}; }
inline f32x min(f32x a, f32x b) noexcept { return {_mm256_min_ps(a.v, b.v)}; }
inline f32x abs(f32x a) noexcept { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline f32x sqrt(f32x a) noexcept { return {_mm256_sqrt_ps(a.v)}; }
inline f32x keep_if_at_least(f32x a, f32x test, f32x limit) noexcept {
  return {_mm256_and_ps(a.v, _mm256_cmp_ps(test.v, limit.v, _CMP_GE_OQ))};
}
inline f32x keep_unless_below(f32x a, f32x test, f32x limit) noexcept {
  return {_mm256_and_ps(a.v, _mm256_cmp_ps(test.v, limit.v, _CMP_NLT_UQ))};
}
// e^(x - n ln 2) for |x - n ln 2| <= ln(2)/2: the polynomial of Cephes' expf.
inline __m256 exp_of_rest(__m256 x, __m256 n) noexcept {
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);  // ln 2 in two parts
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 p = _mm256_set1_ps(1.9875691500e-4f);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.3981999507e-3f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.3334519073e-3f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.1665795894e-2f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.6666665459e-1f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.0000001201e-1f));
  return _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, _mm256_set1_ps(1.0f)));
}

/// e^a to 2 ulp: 2^n times `exp_of_rest`. Below -87.3 the
/// result is a normal number near 1e-38 rather than a subnormal one; NaN stays NaN.
inline f32x exp(f32x a) noexcept {
  const __m256 x = _mm256_min_ps(_mm256_set1_ps(88.72283f), _mm256_max_ps(_mm256_set1_ps(-87.33654f), a.v));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 p = exp_of_rest(x, n);
  // 2^n in two factors, since n = 128 has no float of its own
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256 scale1 = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const __m256 scale2 = _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23));
  return {_mm256_mul_ps(_mm256_mul_ps(p, scale1), scale2)};
}

/// e^a to 2 ulp for a that is not positive but by rounding: fewer steps than `exp`. Below -86.6 the result is a normal
/// number near 2e-38; NaN stays NaN.
inline f32x exp_negative(f32x a) noexcept {
  const __m256 x = _mm256_max_ps(_mm256_set1_ps(-86.6f), a.v);
  // 1.5 * 2^23 makes whole numbers of sums; with 127 more their last bits are the exponent of 2^n
  const __m256 whole = _mm256_set1_ps(12583039.0f);
  const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(1.44269504f), whole);
  const __m256 n = _mm256_sub_ps(shifted, whole);
  const __m256 p = exp_of_rest(x, n);
  return {_mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23)))};
}

/// Row i becomes column i.
inline void transpose(f32x (&r)[8]) noexcept {
  __m256 t[8], u[8];
  QUIPU_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i].v, r[2 * i + 1].v);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i].v, r[2 * i + 1].v);
  }
  QUIPU_UNROLL
  for (int i = 0; i < 2; ++i) {
    u[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  QUIPU_UNROLL
  for (int i = 0; i < 4; ++i) {
    r[i].v = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    r[i + 4].v = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}

/// Four doubles.
struct f64x {
  using value_type = double;
  static constexpr std::size_t width = 4;

  __m256d v;

  static f64x zero() noexcept { return {_mm256_setzero_pd()}; }
  static f64x set1(double x) noexcept { return {_mm256_set1_pd(x)}; }
  static f64x load(const double* p) noexcept { return {_mm256_loadu_pd(p)}; }
  void store(double* p) const noexcept { _mm256_storeu_pd(p, v); }
  [[nodiscard]] double sum() const noexcept {
    __m128d r = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    r = _mm_add_sd(r, _mm_unpackhi_pd(r, r));
    return _mm_cvtsd_f64(r);
  }
};

inline f64x operator+(f64x a, f64x b) noexcept { return {_mm256_add_pd(a.v, b.v)}; }
inline f64x operator*(f64x a, f64x b) noexcept { return {_mm256_mul_pd(a.v, b.v)}; }
inline f64x fma(f64x a, f64x b, f64x c) noexcept { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }

}  // namespace quipu::avx2

QUIPU_TARGET_END

#endif

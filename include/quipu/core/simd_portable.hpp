/// @file Vector registers of plain C++, the reference for those of every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <quipu/core/scalar.hpp>  // f16, bf16

namespace quipu::portable {

/// `Width` values of `Value` that are worked on together. All instruction sets offer the members that
/// this class has, under the names `f32x` and `f64x`, and kernels are written once over them.
template <class Value, std::size_t Width>
struct vector_register {
  using value_type = Value;
  static constexpr std::size_t width = Width;

  Value v[Width];

  static vector_register zero() noexcept { return set1(0); }
  static vector_register set1(Value x) noexcept {
    vector_register r;
    for (std::size_t i = 0; i < Width; ++i) r.v[i] = x;
    return r;
  }
  static vector_register load(const Value* p) noexcept {
    vector_register r;
    for (std::size_t i = 0; i < Width; ++i) r.v[i] = p[i];
    return r;
  }
  static vector_register load(const f16* p) noexcept {
    vector_register r;
    for (std::size_t i = 0; i < Width; ++i) r.v[i] = static_cast<Value>(static_cast<float>(p[i]));
    return r;
  }
  static vector_register load(const bf16* p) noexcept {
    vector_register r;
    for (std::size_t i = 0; i < Width; ++i) r.v[i] = static_cast<Value>(static_cast<float>(p[i]));
    return r;
  }
  static vector_register load(const std::int8_t* p) noexcept {
    vector_register r;
    for (std::size_t i = 0; i < Width; ++i) r.v[i] = static_cast<Value>(p[i]);
    return r;
  }
  void store(Value* p) const noexcept {
    for (std::size_t i = 0; i < Width; ++i) p[i] = v[i];
  }
  void store(f16* p) const noexcept {
    for (std::size_t i = 0; i < Width; ++i) p[i] = f16(static_cast<float>(v[i]));
  }

  friend vector_register operator+(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] += b.v[i];
    return a;
  }
  friend vector_register operator-(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] -= b.v[i];
    return a;
  }
  friend vector_register operator*(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] *= b.v[i];
    return a;
  }
  friend vector_register operator/(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] /= b.v[i];
    return a;
  }
  /// a * b + c
  friend vector_register fma(vector_register a, vector_register b, vector_register c) noexcept {
    for (std::size_t i = 0; i < Width; ++i) c.v[i] += a.v[i] * b.v[i];
    return c;
  }
  friend vector_register max(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
  }
  friend vector_register min(vector_register a, vector_register b) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return a;
  }
  friend vector_register abs(vector_register a) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = std::abs(a.v[i]);
    return a;
  }
  /// e^a
  friend vector_register exp(vector_register a) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = std::exp(a.v[i]);
    return a;
  }
  /// e^a for a that is not positive but by rounding
  friend vector_register exp_negative(vector_register a) noexcept { return exp(a); }
  friend vector_register sqrt(vector_register a) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = std::sqrt(a.v[i]);
    return a;
  }
  /// `a` where `test >= limit`, else 0
  friend vector_register keep_if_at_least(vector_register a, vector_register test,
                                          vector_register limit) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = test.v[i] >= limit.v[i] ? a.v[i] : Value(0);
    return a;
  }
  /// `a` unless `test < limit`, else 0: also where one of them is NaN
  friend vector_register keep_unless_below(vector_register a, vector_register test,
                                           vector_register limit) noexcept {
    for (std::size_t i = 0; i < Width; ++i) a.v[i] = test.v[i] < limit.v[i] ? Value(0) : a.v[i];
    return a;
  }
  /// Sum of all, halves first.
  [[nodiscard]] Value sum() const noexcept {
    vector_register r = *this;
    for (std::size_t half = Width / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) r.v[i] += r.v[i + half];
    }
    return r.v[0];
  }
  [[nodiscard]] Value largest() const noexcept {
    Value r = v[0];
    for (std::size_t i = 1; i < Width; ++i) r = v[i] > r ? v[i] : r;
    return r;
  }
};

/// Row i becomes column i.
template <class Value, std::size_t Width>
void transpose(vector_register<Value, Width> (&r)[Width]) noexcept {
  for (std::size_t i = 0; i < Width; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Value other = r[i].v[j];
      r[i].v[j] = r[j].v[i];
      r[j].v[i] = other;
    }
  }
}

using f32x = vector_register<float, 8>;
using f64x = vector_register<double, 4>;

}  // namespace quipu::portable

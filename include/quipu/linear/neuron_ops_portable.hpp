/// @file What loops over listed neurons compute with in plain C++, the reference for every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <quipu/core/config.hpp>         // QUIPU_UNROLL
#include <quipu/core/scalar.hpp>         // f16_bits_to_float
#include <quipu/core/simd_portable.hpp>  // vector_register
#include <quipu/linear/neuron_kernel_table.hpp>

namespace quipu::linear::portable {

/// The members that those of every instruction set have.
template <class Scalar>
struct neuron_ops {
  static constexpr instruction_set set = instruction_set::portable;
  using scalar = Scalar;
  static constexpr std::size_t width = 8;
  using values = quipu::portable::vector_register<Scalar, width>;
  static constexpr int blocks_together = 1;  ///< of y, that listed rows are added to at a time

  static values zero() noexcept { return values::zero(); }
  static values set1(scalar x) noexcept { return values::set1(x); }
  static values load(const scalar* at) noexcept { return values::load(at); }
  static void store(const values& v, scalar* to) noexcept { v.store(to); }
  static values fma(const values& a, const values& b, const values& c) noexcept { return fma_of(a, b, c); }
  /// As a sum: a compiler that fuses products into sums then has only one way to do so, whatever surrounds them.
  static values product(const values& a, const values& b) noexcept { return fma_of(a, b, zero()); }
  static values sum_of(const values& a, const values& b) noexcept { return a + b; }
  static scalar sum(const values& v) noexcept { return v.sum(); }

  /// The 32 values or codes of a block.
  template <row_form Form>
  static void load_block(const std::byte* at, values (&w)[row_block / width]) noexcept {
    for (std::size_t i = 0; i < row_block; ++i) w[i / width].v[i % width] = value_at<Form>(at, i);
  }
  /// @param to  room for n, rounded up to 16
  static void widen_scales(const std::byte* from, std::size_t n, scalar* to) noexcept {
    for (std::size_t i = 0; i < n; ++i) to[i] = value_at<row_form::f16>(from, i);
  }
  /// values[i] *= c
  static void scale_all(scalar c, std::size_t n, scalar* values) noexcept {
    for (std::size_t i = 0; i < n; ++i) values[i] *= c;
  }

 private:
  static values fma_of(const values& a, const values& b, values c) noexcept {
    for (std::size_t i = 0; i < width; ++i) c.v[i] += a.v[i] * b.v[i];
    return c;
  }
  template <class Stored>
  static Stored stored_at(const std::byte* at, std::size_t i) noexcept {
    Stored value;
    std::memcpy(&value, at + i * sizeof value, sizeof value);
    return value;
  }
  template <row_form Form>
  static scalar value_at(const std::byte* at, std::size_t i) noexcept {
    if constexpr (Form == row_form::f64) return static_cast<scalar>(stored_at<double>(at, i));
    if constexpr (Form == row_form::f32) return static_cast<scalar>(stored_at<float>(at, i));
    if constexpr (Form == row_form::f16) return static_cast<scalar>(f16_bits_to_float(stored_at<std::uint16_t>(at, i)));
    if constexpr (Form == row_form::bf16) return static_cast<scalar>(bf16_bits_to_float(stored_at<std::uint16_t>(at, i)));
    if constexpr (Form == row_form::q8) return static_cast<scalar>(stored_at<std::int8_t>(at, i));
    if constexpr (Form == row_form::q4) {
      const int both = stored_at<std::uint8_t>(at, i % 16);
      return static_cast<scalar>((i < 16 ? both & 15 : both >> 4) - 8);
    }
  }
};

#include <quipu/linear/neuron_kernel_body.ipp>

}  // namespace quipu::linear::portable

/// @file What products with packed weights compute with in plain C++, the reference for every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quipu/core/config.hpp>  // QUIPU_UNROLL
#include <quipu/core/scalar.hpp>  // f16_bits_to_float
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/smallest_rounded.hpp>

namespace quipu::linear::portable {

/// The members that those of every instruction set have.
struct tile_ops {
  static constexpr int tokens_at_once = 1;  ///< rows of activations that share what is made of the codes
  static constexpr int plain_tokens = 1;    ///< the same for plain weights
  static constexpr std::size_t n_row = packed_tile_rows;

  struct codes {  // (16 rows, 4 columns)
    std::uint8_t v[4 * n_row];
  };
  struct floats {  // (16 rows)
    float v[n_row];
    static floats zero() noexcept { return {}; }
    void store(float* to) const noexcept { std::copy_n(v, n_row, to); }
  };

  static codes load(const std::byte* at) noexcept {
    codes all;
    std::memcpy(all.v, at, sizeof all.v);
    return all;
  }
  static codes low_nibbles(codes both) noexcept {
    for (std::uint8_t& c : both.v) c = c & 15u;
    return both;
  }
  static codes high_nibbles(codes both) noexcept {
    for (std::uint8_t& c : both.v) c = static_cast<std::uint8_t>(c >> 4);
    return both;
  }
  /// The bits of `plane` that `Mask` names once they are `Left` places further left, beside those of `low`.
  template <int Left, int Mask>
  static codes with_bits(codes low, const codes& plane) noexcept {
    for (std::size_t i = 0; i < 4 * n_row; ++i) {
      const unsigned moved = Left >= 0 ? static_cast<unsigned>(plane.v[i]) << (Left >= 0 ? Left : 0)
                                       : static_cast<unsigned>(plane.v[i]) >> (Left >= 0 ? 0 : -Left);
      low.v[i] = static_cast<std::uint8_t>(low.v[i] | (moved & static_cast<unsigned>(Mask)));
    }
    return low;
  }
  static floats load_halves(const std::byte* at) noexcept {
    floats all;
    for (std::size_t i = 0; i < n_row; ++i) {
      std::uint16_t bits;
      std::memcpy(&bits, at + 2 * i, 2);
      all.v[i] = f16_bits_to_float(bits);
    }
    return all;
  }
  static floats load_floats(const std::byte* at) noexcept {
    floats all;
    std::memcpy(all.v, at, sizeof all.v);
    return all;
  }
  /// Two columns, the values of a row side by side.
  static void load_bf16_pairs(const std::byte* at, floats& first, floats& second) noexcept {
    for (std::size_t i = 0; i < n_row; ++i) {
      std::uint16_t bits[2];
      std::memcpy(bits, at + 4 * i, 4);
      first.v[i] = bf16_bits_to_float(bits[0]);
      second.v[i] = bf16_bits_to_float(bits[1]);
    }
  }
  static floats load_bytes(const std::byte* at) noexcept {
    floats all;
    for (std::size_t i = 0; i < n_row; ++i) all.v[i] = static_cast<float>(std::to_integer<std::uint8_t>(at[i]));
    return all;
  }
  static floats load_signed_bytes(const std::byte* at) noexcept {
    floats all;
    for (std::size_t i = 0; i < n_row; ++i) all.v[i] = static_cast<float>(std::to_integer<std::int8_t>(at[i]));
    return all;
  }
  static floats set1(float value) noexcept {
    floats all;
    std::fill_n(all.v, n_row, value);
    return all;
  }

  struct sums {
    std::int32_t v[n_row];
    using prepared = codes;
    static sums zero() noexcept { return {}; }
    static const codes& prepare(const codes& w) noexcept { return w; }
    template <int Group>
    void add(const codes& w, rounded_rows x, std::size_t at) noexcept {
      const std::int16_t* q = x.pairs + at;
      for (std::size_t i = 0; i < n_row; ++i) v[i] += w.v[4 * i] * q[0] + w.v[4 * i + 2] * q[1] + w.v[4 * i + 1] * q[2] + w.v[4 * i + 3] * q[3];
    }
    [[nodiscard]] floats total(std::int32_t less) const noexcept {
      floats all;
      for (std::size_t i = 0; i < n_row; ++i) all.v[i] = static_cast<float>(v[i] - less);
      return all;
    }
  };
  template <int CodeBits, activation_bits Bits>
  using accumulator = sums;
};

inline tile_ops::floats operator*(tile_ops::floats a, const tile_ops::floats& b) noexcept {
  for (std::size_t i = 0; i < tile_ops::n_row; ++i) a.v[i] *= b.v[i];
  return a;
}
inline tile_ops::floats operator+(tile_ops::floats a, const tile_ops::floats& b) noexcept {
  for (std::size_t i = 0; i < tile_ops::n_row; ++i) a.v[i] += b.v[i];
  return a;
}
/// a b + c
inline tile_ops::floats fma(const tile_ops::floats& a, const tile_ops::floats& b, tile_ops::floats c) noexcept {
  for (std::size_t i = 0; i < tile_ops::n_row; ++i) c.v[i] += a.v[i] * b.v[i];
  return c;
}
/// c - a b
inline tile_ops::floats fnma(const tile_ops::floats& a, const tile_ops::floats& b, tile_ops::floats c) noexcept {
  for (std::size_t i = 0; i < tile_ops::n_row; ++i) c.v[i] -= a.v[i] * b.v[i];
  return c;
}

#include <quipu/linear/packed_kernel_body.ipp>
#include <quipu/linear/plain_kernel_body.ipp>

/// d = max |x| / largest, q = x / d to the nearest, ties to even.
inline void round_row(const float* x, std::size_t n, activation_bits bits, rounded_rows out) noexcept {
  const float largest = static_cast<float>(largest_rounded(bits));
  for (std::size_t b = 0; b < n / packed_block; ++b) {
    const float* from = x + b * packed_block;
    float most = 0, not_finite = 0;  // NaN if a value is
    for (std::size_t i = 0; i < packed_block; ++i) {
      most = std::max(most, std::abs(from[i]));
      not_finite += from[i] * 0;
    }
    const bool rounds = not_finite == 0 && most > smallest_rounded;
    const float inverse = rounds ? largest / most : 0.0f;
    out.d[b] = most / largest + not_finite;
    for (std::size_t half = 0; half < 2; ++half) out.sums[2 * b + half] = 0;
    for (std::size_t i = 0; i < packed_block; ++i) {
      const int q = rounds ? static_cast<int>(std::nearbyint(from[i] * inverse)) : 0;
      const std::size_t c = i % 4, at = b * packed_block + i - c;
      out.pairs[at + (c == 1 ? 2 : c == 2 ? 1 : c)] = static_cast<std::int16_t>(q);
      out.sums[2 * b + i / 16] += q;
    }
  }
}

inline constexpr packed_kernel_table packed_table{
    .set = instruction_set::portable, .form = rounded_form::pairs, .round = round_row, .multiply = multiply_tile, .multiply_plain = multiply_plain_tile};

}  // namespace quipu::linear::portable

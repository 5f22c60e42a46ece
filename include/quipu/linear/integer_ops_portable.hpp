/// @file What a gate in whole numbers computes with in plain C++, the reference for every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_UNROLL
#include <quipu/linear/integer_kernel_table.hpp>
#include <quipu/linear/smallest_rounded.hpp>
#include <quipu/linear/tile_ops_portable.hpp>

namespace quipu::linear::portable {

/// The members that those of every instruction set have, besides `tile_ops`.
struct integer_ops : tile_ops {
  static constexpr int integer_tokens = 1;  ///< rows of activations that share what is made of the codes
  static constexpr int integer_tiles = 1;   ///< of high nibbles that share what is read of the activations

  struct ints {  // (16 neurons)
    std::int32_t v[n_row];
    [[nodiscard]] ints plus(ints other) const noexcept {
      for (std::size_t i = 0; i < n_row; ++i) other.v[i] += v[i];
      return other;
    }
  };
  static codes without_low_nibbles(codes both) noexcept {
    for (std::uint8_t& c : both.v) c = c & 0xf0u;
    return both;
  }
  struct doubles {  // (16 neurons)
    double v[n_row];
    static doubles zero() noexcept { return {}; }
    void add_product(const ints& a, const doubles& b) noexcept {
      for (std::size_t i = 0; i < n_row; ++i) v[i] += a.v[i] * b.v[i];
    }
    void add_product(double a, const doubles& b) noexcept {
      for (std::size_t i = 0; i < n_row; ++i) v[i] += a * b.v[i];
    }
    [[nodiscard]] doubles squared() const noexcept {
      doubles all;
      for (std::size_t i = 0; i < n_row; ++i) all.v[i] = v[i] * v[i];
      return all;
    }
    [[nodiscard]] doubles plus(const doubles& other) const noexcept {
      doubles all;
      for (std::size_t i = 0; i < n_row; ++i) all.v[i] = v[i] + other.v[i];
      return all;
    }
    [[nodiscard]] doubles root_times(double factor) const noexcept {
      doubles all;
      for (std::size_t i = 0; i < n_row; ++i) all.v[i] = std::sqrt(v[i]) * factor;
      return all;
    }
    void store(double* to) const noexcept { std::copy_n(v, n_row, to); }
    /// to = float(v * (row_scale * scale))
    void store_scaled(const float* row_scale, float scale, float* to) const noexcept {
      for (std::size_t i = 0; i < n_row; ++i) to[i] = static_cast<float>(v[i] * (double{row_scale[i]} * double{scale}));
    }
  };

  /// (sum << Left) - less
  static ints whole(const sums& sum, int left, std::int32_t less) noexcept {
    ints all;
    for (std::size_t i = 0; i < n_row; ++i) all.v[i] = sum.v[i] * (1 << left) - less;
    return all;
  }
  static doubles load_multipliers(const std::byte* at) noexcept {
    doubles all;
    for (std::size_t i = 0; i < n_row; ++i) all.v[i] = std::to_integer<int>(at[i]);
    return all;
  }

  /// 128 columns of activations.
  template <activation_bits Bits>
  struct low_columns {
    const std::int8_t *high, *low;
    low_columns(const std::int8_t* h, const std::int8_t* l) noexcept : high(h), low(l) {}
  };
  /// The sum of a row's low nibbles.
  template <activation_bits Bits>
  struct low_sums {
    std::int64_t v = 0;
    static low_sums zero() noexcept { return {}; }
    void add(const std::byte* codes, const std::byte* multipliers, const low_columns<Bits>& q) noexcept {
      constexpr int unit =
          Bits == activation_bits::eight ? 1 : 256;  // of the upper halves; the lower ones of eight bits are 0
      std::int32_t sum[2] = {};
      for (std::size_t j = 0; j < 64; ++j) {
        const int both = std::to_integer<int>(codes[j]);
        sum[0] += (both & 15) * (unit * q.high[j] + q.low[j]);
        sum[1] += (both >> 4) * (unit * q.high[64 + j] + q.low[64 + j]);
      }
      for (std::size_t i = 0; i < 2; ++i) v += std::int64_t{sum[i]} * std::to_integer<int>(multipliers[i]);
    }
    [[nodiscard]] double total() const noexcept { return static_cast<double>(v); }
  };
};

#include <quipu/linear/integer_kernel_body.ipp>

/// The largest size of a row's values, and 0 or NaN if one is not finite.
struct row_range {
  float largest = 0, check = 0;
};

/// What a row's scale is, and what its values are multiplied by. See `smallest_rounded`.
struct row_rounding {
  float scale, inverse;
  row_rounding(row_range range, activation_bits bits) noexcept {
    const float most = static_cast<float>(largest_rounded(bits));
    const bool rounds = range.check == 0 && range.largest > smallest_rounded;
    scale = (rounds ? range.largest / most : 0.0f) + range.check;
    inverse = rounds ? most / range.largest : 0.0f;
  }
};

/// X = x / scale to the nearest, ties to even.
inline void round_integer_row(const float* x, const std::uint8_t* dither, integer_rows out) noexcept {
  row_range range;
  for (std::size_t i = 0; i < out.n_col; ++i) {
    range.largest = std::max(range.largest, std::abs(x[i]));
    range.check += x[i] * 0;
  }
  const row_rounding by(range, out.bits);
  *out.scale = by.scale;
  for (std::size_t g = 0; g < out.n_group; ++g) {
    std::int32_t sum = 0, dither_sum = 0;
    std::int64_t squares = 0;
    for (std::size_t i = g * integer_group; i < (g + 1) * integer_group; ++i) {
      const int q = i < out.n_col && by.inverse != 0 ? static_cast<int>(std::nearbyint(x[i] * by.inverse)) : 0;
      const std::size_t c = i % 4;
      out.pairs[i - c + (c == 1 ? 2 : c == 2 ? 1 : c)] = static_cast<std::int16_t>(q);
      const int high = out.bits == activation_bits::eight ? q : (q + 128) >> 8;
      out.high[i] = static_cast<std::int8_t>(high);
      out.low[i] = static_cast<std::int8_t>(out.bits == activation_bits::eight ? 0 : q - 256 * high);
      sum += q;
      if (dither != nullptr && i < out.n_col) dither_sum += dither[i] * q;
      squares += std::int64_t{q} * q;
    }
    out.sums[g] = sum;
    out.dither_sums[g] = dither_sum;
    out.squares[g] = static_cast<double>(squares);
  }
}

inline constexpr integer_kernel_table integer_table{.set = instruction_set::portable,
                                                    .round = round_integer_row,
                                                    .multiply = multiply_integer,
                                                    .add_high = add_high,
                                                    .add_low = add_low};

}  // namespace quipu::linear::portable

// Products of a gate in whole numbers over the registers of one instruction set: included inside
// `namespace quipu::linear::<set>`, where `integer_ops` names what that set computes with.
// SPDX-License-Identifier: Apache-2.0

[[nodiscard]] QUIPU_ALWAYS_INLINE rounded_rows rounded_of(const integer_rows& x) noexcept {
  return {x.pairs, x.high, x.low, nullptr, nullptr};
}

// Four columns of sixteen neurons for `Tokens` rows of activations.
template <int Line, int Tokens, class Accumulator>
QUIPU_ALWAYS_INLINE void add_bytes(const std::byte* group, rounded_rows x, std::size_t at, std::size_t stride,
                                   Accumulator (&sums)[Tokens]) noexcept {
  const auto w = Accumulator::prepare(integer_ops::load(group + 64 * Line));
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t)
    sums[t].template add<Line % 8>(w, x, at + static_cast<std::size_t>(t) * stride + 4 * Line);
}

template <activation_bits Bits, int Tokens>
void multiply_integer_tokens(const std::byte* tile, const integer_rows& x, const float* row_scale, float* y,
                             std::size_t y_stride) noexcept {
  using accumulator = integer_ops::accumulator<8, Bits>;
  constexpr std::size_t lines = integer_form::byte_lines;
  const rounded_rows q = rounded_of(x);
  integer_ops::doubles z[Tokens];
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) z[t] = integer_ops::doubles::zero();
  for (std::size_t g = 0; g < x.n_group; ++g) {
    const std::byte* const group = tile + integer_form::group_at(g, lines);
    const std::size_t at = g * integer_group;
    accumulator sums[Tokens];
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sums[t] = accumulator::zero();
    add_bytes<0>(group, q, at, x.stride, sums);
    add_bytes<1>(group, q, at, x.stride, sums);
    add_bytes<2>(group, q, at, x.stride, sums);
    add_bytes<3>(group, q, at, x.stride, sums);
    add_bytes<4>(group, q, at, x.stride, sums);
    add_bytes<5>(group, q, at, x.stride, sums);
    add_bytes<6>(group, q, at, x.stride, sums);
    add_bytes<7>(group, q, at, x.stride, sums);
    add_bytes<8>(group, q, at, x.stride, sums);
    add_bytes<9>(group, q, at, x.stride, sums);
    add_bytes<10>(group, q, at, x.stride, sums);
    add_bytes<11>(group, q, at, x.stride, sums);
    add_bytes<12>(group, q, at, x.stride, sums);
    add_bytes<13>(group, q, at, x.stride, sums);
    add_bytes<14>(group, q, at, x.stride, sums);
    add_bytes<15>(group, q, at, x.stride, sums);
    const integer_ops::doubles m = integer_ops::load_multipliers(tile + integer_form::multipliers_at(g, lines));
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) {
      const std::int32_t sum = x.sums[static_cast<std::size_t>(t) * x.n_group + g];
      z[t].add_product(integer_ops::whole(sums[t], 0, 128 * sum), m);
    }
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) z[t].store_scaled(row_scale, x.scale[t], y + static_cast<std::size_t>(t) * y_stride);
}

template <activation_bits Bits>
void multiply_integer_bits(const std::byte* tile, const integer_rows& x, std::size_t n_token, const float* row_scale,
                           float* y, std::size_t y_stride) noexcept {
  constexpr int most = integer_ops::integer_tokens;
  std::size_t t = 0;
  for (; t + most <= n_token; t += most)
    multiply_integer_tokens<Bits, most>(tile, x.from_row(t), row_scale, y + t * y_stride, y_stride);
  for (; t < n_token; ++t) multiply_integer_tokens<Bits, 1>(tile, x.from_row(t), row_scale, y + t * y_stride, y_stride);
}

inline void multiply_integer(const std::byte* tile, integer_rows x, std::size_t n_token, const float* row_scale,
                             float* y, std::size_t y_stride) noexcept {
  if (x.bits == activation_bits::eight)
    return multiply_integer_bits<activation_bits::eight>(tile, x, n_token, row_scale, y, y_stride);
  multiply_integer_bits<activation_bits::sixteen>(tile, x, n_token, row_scale, y, y_stride);
}

// Sums of high nibbles. Those of a byte's upper half stay where they are, sixteen times as large: that saves a shift of
// every line.
template <activation_bits Bits>
struct nibble_sums {
  using lower = integer_ops::accumulator<4, Bits>;
  using upper = integer_ops::accumulator<8, Bits>;
  lower low;
  upper high;

  QUIPU_ALWAYS_INLINE void clear() noexcept {
    low = lower::zero();
    high = upper::zero();
  }

  // Eight columns of sixteen neurons.
  template <int Line>
  QUIPU_ALWAYS_INLINE void add(const std::byte* group, rounded_rows x, std::size_t at) noexcept {
    const integer_ops::codes both = integer_ops::load(group + 64 * Line);
    low.template add<Line>(lower::prepare(integer_ops::low_nibbles(both)), x, at + 8 * Line);
    high.template add<Line>(upper::prepare(integer_ops::without_low_nibbles(both)), x, at + 8 * Line + 4);
  }
};

template <int Line, activation_bits Bits, int Tiles>
QUIPU_ALWAYS_INLINE void add_nibbles(const std::byte* group, std::size_t tile_bytes, rounded_rows x, std::size_t at,
                                     nibble_sums<Bits> (&sums)[Tiles]) noexcept {
  QUIPU_UNROLL
  for (int i = 0; i < Tiles; ++i) sums[i].template add<Line>(group + static_cast<std::size_t>(i) * tile_bytes, x, at);
}

// Neighbouring tiles share what is read of the activations.
template <activation_bits Bits, int Tiles>
void add_high_tiles(const std::byte* tile, const integer_rows& x, double factor, high_sums* out) noexcept {
  constexpr std::size_t lines = integer_form::high_lines;
  const std::size_t tile_bytes = integer_form{x.n_group}.tile_bytes(lines);
  const rounded_rows q = rounded_of(x);
  integer_ops::doubles base[Tiles], offset[Tiles], squares[Tiles];
  QUIPU_UNROLL
  for (int i = 0; i < Tiles; ++i) base[i] = offset[i] = squares[i] = integer_ops::doubles::zero();
  for (std::size_t g = 0; g < x.n_group; ++g) {
    const std::byte* const group = tile + integer_form::group_at(g, lines);
    const std::size_t at = g * integer_group;
    nibble_sums<Bits> sums[Tiles];
    QUIPU_UNROLL
    for (int i = 0; i < Tiles; ++i) sums[i].clear();
    add_nibbles<0>(group, tile_bytes, q, at, sums);
    add_nibbles<1>(group, tile_bytes, q, at, sums);
    add_nibbles<2>(group, tile_bytes, q, at, sums);
    add_nibbles<3>(group, tile_bytes, q, at, sums);
    add_nibbles<4>(group, tile_bytes, q, at, sums);
    add_nibbles<5>(group, tile_bytes, q, at, sums);
    add_nibbles<6>(group, tile_bytes, q, at, sums);
    add_nibbles<7>(group, tile_bytes, q, at, sums);
    QUIPU_UNROLL
    for (int i = 0; i < Tiles; ++i) {
      const std::byte* const multipliers =
          tile + integer_form::multipliers_at(g, lines) + static_cast<std::size_t>(i) * tile_bytes;
      const integer_ops::doubles m = integer_ops::load_multipliers(multipliers);
      const integer_ops::ints upper = integer_ops::whole(sums[i].high, 0, 128 * x.sums[g] + x.dither_sums[g]);
      base[i].add_product(integer_ops::whole(sums[i].low, 4, 0).plus(upper), m);
      offset[i].add_product(7.5 * x.sums[g], m);
      squares[i].add_product(x.squares[g], m.squared());
    }
  }
  QUIPU_UNROLL
  for (int i = 0; i < Tiles; ++i) {
    base[i].store(out[i].base);
    base[i].plus(offset[i]).store(out[i].middle);
    squares[i].root_times(factor).store(out[i].reach);
  }
}

template <activation_bits Bits>
void add_high_bits(const std::byte* tile, std::size_t n_tile, const integer_rows& x, double factor,
                   high_sums* out) noexcept {
  constexpr int most = integer_ops::integer_tiles;
  const std::size_t tile_bytes = integer_form{x.n_group}.tile_bytes(integer_form::high_lines);
  std::size_t i = 0;
  for (; i + most <= n_tile; i += most) add_high_tiles<Bits, most>(tile + i * tile_bytes, x, factor, out + i);
  for (; i < n_tile; ++i) add_high_tiles<Bits, 1>(tile + i * tile_bytes, x, factor, out + i);
}

inline void add_high(const std::byte* tile, std::size_t n_tile, integer_rows x, double factor,
                     high_sums* out) noexcept {
  if (x.bits == activation_bits::eight) return add_high_bits<activation_bits::eight>(tile, n_tile, x, factor, out);
  add_high_bits<activation_bits::sixteen>(tile, n_tile, x, factor, out);
}

template <activation_bits Bits>
void add_low_bits(const std::byte* const* rows, const integer_rows& x, double* z) noexcept {
  constexpr int n = low_rows_at_once;
  const integer_form form{x.n_group};
  const std::size_t n_line = form.low_lines();
  const std::byte* codes[n];
  integer_ops::low_sums<Bits> sums[n];
  QUIPU_UNROLL
  for (int r = 0; r < n; ++r) {
    codes[r] = rows[r] + form.low_multiplier_bytes();
    sums[r] = integer_ops::low_sums<Bits>::zero();
  }
  for (std::size_t k = 0; k < n_line; ++k) {
    const integer_ops::low_columns<Bits> q(x.high + 128 * k, x.low + 128 * k);
    QUIPU_UNROLL
    for (int r = 0; r < n; ++r) sums[r].add(codes[r] + 64 * k, rows[r] + 2 * k, q);
  }
  QUIPU_UNROLL
  for (int r = 0; r < n; ++r) z[r] += sums[r].total();
}

inline void add_low(const std::byte* const* rows, integer_rows x, double* z) noexcept {
  if (x.bits == activation_bits::eight) return add_low_bits<activation_bits::eight>(rows, x, z);
  add_low_bits<activation_bits::sixteen>(rows, x, z);
}

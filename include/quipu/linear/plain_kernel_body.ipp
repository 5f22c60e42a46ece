// Products of floats with plain weights in tiles over the registers of one instruction set: included inside
// `namespace quipu::linear::<set>` after `tile_ops`.
// SPDX-License-Identifier: Apache-2.0

// Two neighbouring columns of sixteen rows.
template <tensor_type Type>
QUIPU_ALWAYS_INLINE void load_columns(const std::byte* at, tile_ops::floats (&columns)[2]) noexcept {
  if constexpr (Type == tensor_type::bf16) {
    tile_ops::load_bf16_pairs(at, columns[0], columns[1]);
  } else if constexpr (Type == tensor_type::f16) {
    columns[0] = tile_ops::load_halves(at);
    columns[1] = tile_ops::load_halves(at + 2 * packed_tile_rows);
  } else {
    columns[0] = tile_ops::load_floats(at);
    columns[1] = tile_ops::load_floats(at + 4 * packed_tile_rows);
  }
}

// Columns are added one after the other within a block, and the blocks' sums then: few enough steps for rounding to stay
// small, and chains that are short enough for a processor to work on several at a time. The order is the same for any
// number of tokens.
template <tensor_type Type, int Tokens>
void multiply_plain_tokens(const std::byte* tile, const float* x, std::size_t x_stride, std::size_t n, float* y,
                           std::size_t y_stride) noexcept {
  constexpr std::size_t bytes = packed_form_of(Type).tile_bytes(1);  // of a column
  tile_ops::floats total[Tokens];
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) total[t] = tile_ops::floats::zero();
  for (std::size_t first = 0; first < n; first += packed_block) {
    const std::size_t end = first + packed_block < n ? first + packed_block : n;
    tile_ops::floats sums[Tokens], columns[2];
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sums[t] = tile_ops::floats::zero();
    std::size_t k = first;
    for (; k + 2 <= end; k += 2) {
      load_columns<Type>(tile + k * bytes, columns);
      QUIPU_UNROLL
      for (int t = 0; t < Tokens; ++t) {
        const float* const own = x + static_cast<std::size_t>(t) * x_stride + k;
        sums[t] = fma(columns[0], tile_ops::set1(own[0]), sums[t]);
        sums[t] = fma(columns[1], tile_ops::set1(own[1]), sums[t]);
      }
    }
    if constexpr (Type != tensor_type::bf16) {  // whose columns are even in number
      if (k < end) {
        columns[0] = Type == tensor_type::f16 ? tile_ops::load_halves(tile + k * bytes) : tile_ops::load_floats(tile + k * bytes);
        QUIPU_UNROLL
        for (int t = 0; t < Tokens; ++t)
          sums[t] = fma(columns[0], tile_ops::set1(x[static_cast<std::size_t>(t) * x_stride + k]), sums[t]);
      }
    }
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) total[t] = total[t] + sums[t];
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) total[t].store(y + static_cast<std::size_t>(t) * y_stride);
}

template <tensor_type Type, int Tokens = tile_ops::plain_tokens>
void multiply_plain_type(const std::byte* tile, const float* x, std::size_t x_stride, std::size_t n_token, std::size_t n,
                         float* y, std::size_t y_stride) noexcept {
  for (; n_token >= Tokens; n_token -= Tokens, x += Tokens * x_stride, y += Tokens * y_stride)
    multiply_plain_tokens<Type, Tokens>(tile, x, x_stride, n, y, y_stride);
  if constexpr (Tokens > 1) {
    if (n_token > 0) multiply_plain_type<Type, Tokens / 2>(tile, x, x_stride, n_token, n, y, y_stride);
  }
}

inline void multiply_plain_tile(tensor_type type, const std::byte* tile, const float* x, std::size_t x_stride,
                                std::size_t n_token, std::size_t n, float* y, std::size_t y_stride) noexcept {
  switch (type) {
    case tensor_type::f16: return multiply_plain_type<tensor_type::f16>(tile, x, x_stride, n_token, n, y, y_stride);
    case tensor_type::bf16: return multiply_plain_type<tensor_type::bf16>(tile, x, x_stride, n_token, n, y, y_stride);
    default: return multiply_plain_type<tensor_type::f32>(tile, x, x_stride, n_token, n, y, y_stride);
  }
}

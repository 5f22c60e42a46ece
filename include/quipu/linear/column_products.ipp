// Products of rows of activations with a tile's columns, two columns a step, over the registers of one instruction set: included
// inside `namespace quipu::linear::<set>` after `tile_ops`. `Columns` says what a step loads and how it is added.
// SPDX-License-Identifier: Apache-2.0

// Columns are added one after the other within a block, and the blocks' sums then: few enough steps for rounding to stay
// small, and chains that are short enough for a processor to work on several at a time. The order is the same for any
// number of tokens.
template <class Columns, int Tokens>
void multiply_columns(const std::byte* tile, const typename Columns::value_type* x, std::size_t x_stride, std::size_t n, float* y,
                      std::size_t y_stride) noexcept {
  tile_ops::floats total[Tokens];
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) total[t] = tile_ops::floats::zero();
  for (std::size_t begin = 0; begin < n; begin += Columns::block) {
    const std::size_t end = begin + Columns::block < n ? begin + Columns::block : n;
    tile_ops::floats sums[Tokens];
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sums[t] = tile_ops::floats::zero();
    std::size_t k = begin;
    for (; k + 2 <= end; k += 2) {
      const Columns columns = Columns::load(tile + k * Columns::bytes);
      QUIPU_UNROLL
      for (int t = 0; t < Tokens; ++t) sums[t] = columns.added_to(sums[t], x + static_cast<std::size_t>(t) * x_stride + k);
    }
    if constexpr (Columns::may_be_odd) {
      if (k < end) {
        const tile_ops::floats last = Columns::column(tile + k * Columns::bytes);
        QUIPU_UNROLL
        for (int t = 0; t < Tokens; ++t)
          sums[t] = fma(last, tile_ops::set1(x[static_cast<std::size_t>(t) * x_stride + k]), sums[t]);
      }
    }
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) total[t] = total[t] + sums[t];
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) total[t].store(y + static_cast<std::size_t>(t) * y_stride);
}

template <class Columns, int Tokens = tile_ops::plain_tokens>
void multiply_rows(const std::byte* tile, const typename Columns::value_type* x, std::size_t x_stride, std::size_t n_token,
                         std::size_t n, float* y, std::size_t y_stride) noexcept {
  for (; n_token >= Tokens; n_token -= Tokens, x += Tokens * x_stride, y += Tokens * y_stride)
    multiply_columns<Columns, Tokens>(tile, x, x_stride, n, y, y_stride);
  if constexpr (Tokens > 1) {
    if (n_token > 0) multiply_rows<Columns, Tokens / 2>(tile, x, x_stride, n_token, n, y, y_stride);
  }
}

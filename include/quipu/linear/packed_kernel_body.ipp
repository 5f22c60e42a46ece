// Products with packed weights over the registers of one instruction set: included inside
// `namespace quipu::linear::<set>`, where `tile_ops` names what that set computes with.
// SPDX-License-Identifier: Apache-2.0

// Codes of columns 4 g .. 4 g + 3 of a block, for all sixteen rows.
template <tensor_type Type, int Group>
QUIPU_ALWAYS_INLINE tile_ops::codes codes_of(const std::byte* codes, const tile_ops::codes (&planes)[2]) noexcept {
  constexpr packed_form form = packed_form_of(Type);
  if constexpr (form.n_bit == 8) {
    return tile_ops::load(codes + Group * 64);
  } else {
    const tile_ops::codes both = tile_ops::load(codes + Group % 4 * 64);
    const tile_ops::codes low = Group < 4 ? tile_ops::low_nibbles(both) : tile_ops::high_nibbles(both);
    if constexpr (form.n_bit == 5) {
      return tile_ops::with_bits<4 - Group, 0x10>(low, planes[0]);
    } else if constexpr (form.n_bit == 6) {
      return tile_ops::with_bits<4 - 2 * (Group % 4), 0x30>(low, planes[Group / 4]);
    } else {
      return low;
    }
  }
}

template <tensor_type Type, activation_bits Bits, int Tokens, int Group>
QUIPU_ALWAYS_INLINE void add_groups(const std::byte* codes, const tile_ops::codes (&planes)[2], rounded_rows x, std::size_t n, std::size_t at,
                tile_ops::accumulator<packed_form_of(Type).n_bit, Bits> (&sums)[Tokens]) noexcept {
  using accumulator = tile_ops::accumulator<packed_form_of(Type).n_bit, Bits>;
  const auto w = accumulator::prepare(codes_of<Type, Group>(codes, planes));
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) sums[t].template add<Group>(w, x, static_cast<std::size_t>(t) * n + at + 4 * Group);
}

// Sums that a tile's blocks are added to, one for each row of activations: y, or what the outer scales of a super-block are still
// missing from.
template <int Tokens>
struct tile_sums {
  tile_ops::floats scaled[Tokens], minima[Tokens];

  QUIPU_ALWAYS_INLINE void clear() noexcept {
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) scaled[t] = minima[t] = tile_ops::floats::zero();
  }
};

// Adds scale * d * (sum of q (code - offset)) for sixteen rows, `scale` being theirs in this block.
template <int Offset, int Tokens, class Accumulator>
QUIPU_ALWAYS_INLINE void add_scaled(const Accumulator (&sums)[Tokens], tile_ops::floats scale, const float* d, std::size_t d_stride,
                                    const std::int32_t (&sum_q)[Tokens], tile_ops::floats (&to)[Tokens]) noexcept {
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) {
    const tile_ops::floats factor = scale * tile_ops::set1(d[static_cast<std::size_t>(t) * d_stride]);
    to[t] = fma(sums[t].total(Offset * sum_q[t]), factor, to[t]);
  }
}

// One block of 32 columns for `Tokens` rows of activations.
template <tensor_type Type, activation_bits Bits, int Tokens>
QUIPU_ALWAYS_INLINE void add_block(const std::byte* block, std::size_t b, rounded_rows x, std::size_t n,
                                   tile_sums<Tokens>& to) noexcept {
  constexpr packed_form form = packed_form_of(Type);
  using accumulator = tile_ops::accumulator<form.n_bit, Bits>;
  const std::byte* const codes = block + form.scale_bytes();
  tile_ops::codes planes[2];
  if constexpr (form.n_bit == 5 || form.n_bit == 6) planes[0] = tile_ops::load(codes + 256);
  if constexpr (form.n_bit == 6) planes[1] = tile_ops::load(codes + 320);
  const std::size_t at = b * packed_block, n_scale = n / packed_block, n_sum = n / 16;
  accumulator sums[Tokens];
  const auto clear = [&]() __attribute__((always_inline)) {
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sums[t] = accumulator::zero();
  };
  const float* const d = x.d + b;
  const std::int32_t* const q = x.sums + 2 * b;
  std::int32_t sum_q[Tokens];
  clear();
  add_groups<Type, Bits, Tokens, 0>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 1>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 2>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 3>(codes, planes, x, n, at, sums);
  if constexpr (form.halves) {
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) sum_q[t] = q[static_cast<std::size_t>(t) * n_sum];
    add_scaled<form.offset>(sums, tile_ops::load_signed_bytes(block), d, n_scale, sum_q, to.scaled);
    clear();
  }
  add_groups<Type, Bits, Tokens, 4>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 5>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 6>(codes, planes, x, n, at, sums);
  add_groups<Type, Bits, Tokens, 7>(codes, planes, x, n, at, sums);
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) {
    const std::int32_t* own = q + static_cast<std::size_t>(t) * n_sum;
    sum_q[t] = form.halves ? own[1] : own[0] + own[1];
  }
  if constexpr (form.halves) {
    add_scaled<form.offset>(sums, tile_ops::load_signed_bytes(block + packed_tile_rows), d, n_scale, sum_q, to.scaled);
  } else {
    add_scaled<form.offset>(sums, form.is_super ? tile_ops::load_bytes(block) : tile_ops::load_halves(block), d, n_scale, sum_q,
                            to.scaled);
  }
  if constexpr (form.has_minimum) {
    const std::byte* const second = block + form.scale_bytes() / 2;
    const tile_ops::floats minimum = form.is_super ? tile_ops::load_bytes(second) : tile_ops::load_halves(second);
    // What is below 0 in a K-quant is above it in the others.
    tile_ops::floats(&minima)[Tokens] = form.is_super ? to.minima : to.scaled;
    QUIPU_UNROLL
    for (int t = 0; t < Tokens; ++t) {
      const float share = d[static_cast<std::size_t>(t) * n_scale] * static_cast<float>(sum_q[t]);
      minima[t] = fma(minimum, tile_ops::set1(share), minima[t]);
    }
  }
}

template <tensor_type Type, activation_bits Bits, int Tokens>
void multiply_tokens(const std::byte* tile, rounded_rows x, std::size_t n, float* y, std::size_t y_stride) noexcept {
  constexpr packed_form form = packed_form_of(Type);
  tile_sums<Tokens> sums;
  sums.clear();
  if constexpr (!form.is_super) {
    for (std::size_t b = 0; b < n / packed_block; ++b) add_block<Type, Bits, Tokens>(tile + form.block_at(b), b, x, n, sums);
  } else {
    constexpr std::size_t of_super = packed_super_block / packed_block;
    for (std::size_t first = 0; first < n / packed_block; first += of_super) {
      tile_sums<Tokens> inner;
      inner.clear();
      for (std::size_t b = first; b < first + of_super; ++b)
        add_block<Type, Bits, Tokens>(tile + form.block_at(b), b, x, n, inner);
      const std::byte* const outer = tile + form.block_at(first) - form.super_bytes();
      const tile_ops::floats d = tile_ops::load_halves(outer);
      QUIPU_UNROLL
      for (int t = 0; t < Tokens; ++t) sums.scaled[t] = fma(d, inner.scaled[t], sums.scaled[t]);
      if constexpr (form.has_minimum) {
        const tile_ops::floats d_minimum = tile_ops::load_halves(outer + 2 * packed_tile_rows);
        QUIPU_UNROLL
        for (int t = 0; t < Tokens; ++t) sums.scaled[t] = fnma(d_minimum, inner.minima[t], sums.scaled[t]);
      }
    }
  }
  QUIPU_UNROLL
  for (int t = 0; t < Tokens; ++t) sums.scaled[t].store(y + static_cast<std::size_t>(t) * y_stride);
}

template <tensor_type Type, activation_bits Bits>
void multiply_type(const std::byte* tile, rounded_rows x, std::size_t n_token, std::size_t n, float* y,
                   std::size_t y_stride) noexcept {
  constexpr int most = tile_ops::tokens_at_once;
  std::size_t t = 0;
  for (; t + most <= n_token; t += most)
    multiply_tokens<Type, Bits, most>(tile, x.from_row(t, n), n, y + t * y_stride, y_stride);
  for (; t < n_token; ++t) multiply_tokens<Type, Bits, 1>(tile, x.from_row(t, n), n, y + t * y_stride, y_stride);
}

template <activation_bits Bits>
void multiply_bits(tensor_type type, const std::byte* tile, rounded_rows x, std::size_t n_token, std::size_t n, float* y,
                   std::size_t y_stride) noexcept {
  switch (type) {
    case tensor_type::q4_0: return multiply_type<tensor_type::q4_0, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q4_1: return multiply_type<tensor_type::q4_1, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q5_0: return multiply_type<tensor_type::q5_0, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q5_1: return multiply_type<tensor_type::q5_1, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q4_k: return multiply_type<tensor_type::q4_k, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q5_k: return multiply_type<tensor_type::q5_k, Bits>(tile, x, n_token, n, y, y_stride);
    case tensor_type::q6_k: return multiply_type<tensor_type::q6_k, Bits>(tile, x, n_token, n, y, y_stride);
    default: return multiply_type<tensor_type::q8_0, Bits>(tile, x, n_token, n, y, y_stride);
  }
}

inline void multiply_tile(tensor_type type, activation_bits bits, const std::byte* tile, rounded_rows x,
                          std::size_t n_token, std::size_t n, float* y, std::size_t y_stride) noexcept {
  if (bits == activation_bits::eight)
    return multiply_bits<activation_bits::eight>(type, tile, x, n_token, n, y, y_stride);
  multiply_bits<activation_bits::sixteen>(type, tile, x, n_token, n, y, y_stride);
}

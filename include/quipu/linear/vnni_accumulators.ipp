// What sets with products of four bytes (VNNI) add with: included inside `namespace quipu::linear::<set>`, where
// `four_byte_sums` holds a block's sums of one plane of activations.
// SPDX-License-Identifier: Apache-2.0

// Sums of a block for activations of 8 bits.
struct byte_accumulator {
  four_byte_sums sums;
  using prepared = codes;
  QUIPU_ALWAYS_INLINE static byte_accumulator zero() noexcept { return {four_byte_sums::zero()}; }
  QUIPU_ALWAYS_INLINE static const codes& prepare(const codes& w) noexcept { return w; }
  template <int Group>
  QUIPU_ALWAYS_INLINE void add(const codes& w, rounded_rows x, std::size_t at) noexcept {
    sums.add(w, x.high + at);
  }
  [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept { return sums.total(less); }
};

// The same for 16 bits: the sums of both halves of the activations, which meet when the block is done.
struct plane_accumulator {
  four_byte_sums high, low;
  using prepared = codes;
  QUIPU_ALWAYS_INLINE static plane_accumulator zero() noexcept { return {four_byte_sums::zero(), four_byte_sums::zero()}; }
  QUIPU_ALWAYS_INLINE static const codes& prepare(const codes& w) noexcept { return w; }
  template <int Group>
  QUIPU_ALWAYS_INLINE void add(const codes& w, rounded_rows x, std::size_t at) noexcept {
    high.add(w, x.high + at);
    low.add(w, x.low + at);
  }
  [[nodiscard]] QUIPU_ALWAYS_INLINE floats total(std::int32_t less) const noexcept {
    return four_byte_sums::joined(high, low).total(less);
  }
};

template <int CodeBits, activation_bits Bits>
using accumulator = std::conditional_t<Bits == activation_bits::eight, byte_accumulator, plane_accumulator>;

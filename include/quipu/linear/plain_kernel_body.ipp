// Products of plain weights in tiles over the registers of one instruction set: included inside
// `namespace quipu::linear::<set>` after `tile_ops`.
// SPDX-License-Identifier: Apache-2.0

// Two neighbouring columns of sixteen rows, for rows of floats.
template <tensor_type Type>
struct plain_columns {
  using value_type = float;
  static constexpr std::size_t block = packed_block;
  static constexpr bool may_be_odd = !packed_form_of(Type).pairs;
  static constexpr std::size_t bytes = packed_form_of(Type).tile_bytes(1);  // of a column

  tile_ops::floats first, second;

  QUIPU_ALWAYS_INLINE static tile_ops::floats column(const std::byte* at) noexcept {
    if constexpr (Type == tensor_type::f16) {
      return tile_ops::load_halves(at);
    } else {
      return tile_ops::load_floats(at);
    }
  }
  QUIPU_ALWAYS_INLINE static plain_columns load(const std::byte* at) noexcept {
    if constexpr (Type == tensor_type::bf16) {
      plain_columns both;
      tile_ops::load_bf16_pairs(at, both.first, both.second);
      return both;
    } else {
      return {column(at), column(at + bytes)};
    }
  }
  QUIPU_ALWAYS_INLINE tile_ops::floats added_to(tile_ops::floats sum, const float* x) const noexcept {
    return fma(second, tile_ops::set1(x[1]), fma(first, tile_ops::set1(x[0]), sum));
  }
};

#include <quipu/linear/column_products.ipp>

inline void multiply_plain_tile(tensor_type type, const std::byte* tile, const float* x, std::size_t x_stride,
                                std::size_t n_token, std::size_t n, float* y, std::size_t y_stride) noexcept {
  using enum tensor_type;
  switch (type) {
    case f16: return multiply_rows<plain_columns<f16>>(tile, x, x_stride, n_token, n, y, y_stride);
    case bf16: return multiply_rows<plain_columns<bf16>>(tile, x, x_stride, n_token, n, y, y_stride);
    default: return multiply_rows<plain_columns<f32>>(tile, x, x_stride, n_token, n, y, y_stride);
  }
}

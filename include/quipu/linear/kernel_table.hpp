/// @file The innermost loops of all products, as one table for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/isa.hpp>          // instruction_set
#include <quipu/core/scalar.hpp>       // bf16
#include <quipu/core/tensor_type.hpp>

namespace quipu::linear {

/// Weights a block of 8-bit activations spans; that of Q4_0, Q4_1 and Q8_0.
inline constexpr std::size_t int8_block = 32;

/// One row of activations rounded to 8 bits, block by block: x = d * q.
struct int8_row {
  const std::int8_t* q;  ///< (n)
  const float* d;        ///< (n / 32) scales
  const float* s;        ///< (n / 32) d times the sum of the block's q, which pays for weights' offsets
};

/// Weights of eight output rows in the order in which `int8_tile` reads them.
struct weight_tile {
  static constexpr std::size_t rows = 8;
  std::int8_t* q;  ///< (n / 4, 8, 4): four neighbours of each row in turn
  float* d;        ///< (n / 32, 8) scales
  float* m;        ///< (n / 32, 8) offsets: w = d * q + m
};

/// Tile of the packed product: rows of A and of B that one call of `gemm_tile` multiplies. `Element` is what operands
/// are packed as: float, double, or bf16 for products of floats rounded to it.
template <class Element>
inline constexpr std::size_t gemm_mr = 6;
template <class Element>
inline constexpr std::size_t gemm_nr = sizeof(Element) == 8 ? 8 : 16;

/// Values of k that are packed at a time: a panel of B (16 x 256 floats) fills half of a 32 KiB cache; panels of bf16
/// are longer, because their products are so fast that adding to c in between would cost more.
template <class Element>
inline constexpr std::size_t gemm_k_block = sizeof(Element) == 2 ? 640 : 256;

/// The loops that differ between instruction sets. Every function is `noexcept`, allocates nothing and
/// gives the same result for a row whatever rows stand beside it, so results do not depend on how rows
/// are shared out.
struct kernel_table {
  instruction_set set;

  /// y[i] = sum_k w[i][k] x[k] for `n_row` rows that are `stride` bytes apart, in f32.
  void (*dot_rows)(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                   const float* x, std::size_t n, float* y) noexcept;

  /// sum_k x[k] y[k] of two rows of floats. Not the bits of `dot_rows`, which adds in another order.
  float (*dot)(const float* x, const float* y, std::size_t n) noexcept;

  /// As `dot_rows` with 8-bit activations, for Q4_0, Q4_1 and Q8_0: integer products within a block.
  void (*dot_rows_int8)(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                        int8_row x, std::size_t n, float* y) noexcept;

  /// y[j] += sum over i of c[i] W[rows[i]][first + j] for j < n, added in the order of the list: W is neuron-major, its
  /// rows `stride` bytes apart.  @pre `first` is the first column of a block
  void (*add_listed)(tensor_type type, const std::byte* w, std::size_t stride, const std::uint32_t* rows, const float* c,
                     std::size_t n_listed, std::size_t first, std::size_t n, float* y) noexcept;

  /// Lists the entries of a gate that a ReLU shifted by `threshold` does not make 0, in order, NaN among them.
  /// @param rows  (n) out  @return how many
  std::size_t (*list_active)(const float* gate, std::size_t n, float threshold, std::uint32_t* rows) noexcept;

  /// Rounds a row to 8 bits: d = max|x| / 127, q = round(x / d). @pre n is a multiple of 32
  void (*round_to_int8)(const float* x, std::size_t n, std::int8_t* q, float* d, float* s) noexcept;

  /// Brings up to eight rows (the others become 0) of Q4_0, Q4_1 or Q8_0 into tile order.
  void (*fill_tile)(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                    std::size_t n, weight_tile tile) noexcept;

  /// y[t * y_stride + i] = product of tile row i and activation row t, for t < n_token and i < n_row.
  /// `x` is the first of rows that are n values and n / 32 scales apart.
  void (*int8_tile)(tensor_type type, weight_tile tile, int8_row x, std::size_t n_token, std::size_t n,
                    float* y, std::size_t y_stride, std::size_t n_row) noexcept;

  /// Widens a row of any weight type to f32.
  void (*widen)(tensor_type type, const std::byte* w, std::size_t n, float* out) noexcept;

  /// c (mr, nr; rows ldc apart) = or += A panel (k, mr) times B panel (k, nr).
  void (*gemm_tile_f32)(std::size_t k, const float* a, const float* b, float* c, std::size_t ldc,
                        bool accumulate) noexcept;
  void (*gemm_tile_f64)(std::size_t k, const double* a, const double* b, double* c, std::size_t ldc,
                        bool accumulate) noexcept;

  /// Writes `rows` rows (ld apart, k contiguous values each) side by side: out[j * width + i] = in[i][j];
  /// rows that are not there count as 0. `width` is gemm_mr or gemm_nr.
  void (*interleave_f32)(const float* in, std::size_t ld, std::size_t rows, std::size_t k,
                         std::size_t width, float* out) noexcept;

  /// Widens one block of 32 columns of Q4_0, Q4_1 or Q8_0 weights, rows `stride` bytes apart: columns 0 .. 15 to
  /// left, 16 .. 31 to right, (n_row, 16) each.
  void (*widen_block_column)(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, float* left,
                             float* right) noexcept;

  /// Widens n values, a multiple of 32, of up to 16 rows of Q4_0 or Q4_1 weights: out[k * 16 + row]; rows that are not
  /// there count as 0.
  void (*widen_panel)(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, std::size_t n,
                      float* out) noexcept;

  /// Rounds up to `width` (gemm_mr or gemm_nr) outer indices of an operand to bf16, two neighbours of k side by side:
  /// out (n_k / 2 rounded up, width, 2); what is not there counts as 0. In `round_across` outer indices are contiguous
  /// and those of k `ld` values apart, in `round_along` the other way round. Null, as the next, if the processor has no
  /// products of bf16.  @pre n_k <= gemm_k_block<bf16>
  void (*round_across)(const float* in, std::size_t ld, std::size_t n_outer, std::size_t n_k, std::size_t width,
                       bf16* out) noexcept = nullptr;
  void (*round_along)(const float* in, std::size_t ld, std::size_t n_outer, std::size_t n_k, std::size_t width,
                      bf16* out) noexcept = nullptr;

  /// c (mr, n_panel nr) = or += A panel (n_pair, mr, 2) times panels of B (n_pair, nr, 2), `b_stride` values apart.
  void (*gemm_tiles_bf16)(std::size_t n_pair, const bf16* a, const bf16* b, std::size_t b_stride, std::size_t n_panel,
                          float* c, std::size_t ldc, bool accumulate) noexcept = nullptr;
};

template <class Scalar>
[[nodiscard]] constexpr auto gemm_tile_of(const kernel_table& table) noexcept {
  if constexpr (sizeof(Scalar) == 4) {
    return table.gemm_tile_f32;
  } else {
    return table.gemm_tile_f64;
  }
}

}  // namespace quipu::linear

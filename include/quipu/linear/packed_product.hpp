/// @file Products with packed matrices, several of one input in one parallel step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/scalar.hpp>  // bf16
#include <quipu/linear/packed_kernel_table.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Rows of activations in whole numbers, in memory of their own that is used again.
class rounded_buffer {
 public:
  /// Rounds x (n_row, n_col).  @pre n_col is a multiple of 32
  void round(workspace& ws, matrix_view<const float> x, activation_bits bits) {
    const std::size_t n = x.rows() * x.cols();
    const rounded_form form = ws.packed_kernels().form;
    if (reads_pairs(form)) pairs_.reserve_discarding(n);      // (n_row, n_col)
    if (reads_high(form, bits)) high_.reserve_discarding(n);  // (n_row, n_col)
    if (reads_low(form, bits)) low_.reserve_discarding(n);    // (n_row, n_col)
    d_.reserve_discarding(n / packed_block);     // (n_row, n_col / 32)
    sums_.reserve_discarding(n / 16);            // (n_row, n_col / 16)
    const rounded_rows all = rows();
    ws.team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t)
        ws.packed_kernels().round(x.row(t), x.cols(), bits, all.from_row(t, x.cols()));
    });
  }
  [[nodiscard]] rounded_rows rows() noexcept {
    return {pairs_.data(), high_.data(), low_.data(), d_.data(), sums_.data()};
  }

 private:
  buffer<std::int16_t> pairs_;
  buffer<std::int8_t> high_, low_;
  buffer<float> d_;
  buffer<std::int32_t> sums_;
};

/// How activations enter products with quantised weights: as they are, or rounded to whole numbers in blocks of 32, by up to
/// half of a block's largest value over 127 or over 32,639.
enum class activation_rounding : std::uint8_t {
  none,   ///< weights are widened: exact to f32
  int8,   ///< weights in tiles, and those of Q8_0, Q4_0 and Q4_1 wherever they lie; those of BF16 in tiles meet bf16
          ///< if the processor has such products
  int16,  ///< weights in tiles alone
};

/// Rows of activations in the forms that tiles of different types are multiplied with, in memory of its own that is used
/// again.
class tile_operand {
 public:
  /// Makes those forms of x (n_row, n_col) that `n_product` products ask for.
  /// @param weights  weights(i) is the matrix of product i, in tiles; none is quantised if nothing is rounded
  template <class Weights>
  void prepare(workspace& ws, matrix_view<const float> x, activation_rounding rounding, std::size_t n_product,
               Weights&& weights) {
    kernels_ = &ws.packed_kernels();
    n_ = x.cols();
    bits_ = rounding == activation_rounding::int8 ? activation_bits::eight : activation_bits::sixteen;
    takes_bf16_ = rounding == activation_rounding::int8 && kernels_->multiply_bf16 != nullptr;
    bool whole = false, half = false, plain = false;
    for (std::size_t i = 0; i < n_product; ++i) {
      const tensor_type type = weights(i).type;
      (!packed_form_of(type).is_plain ? whole : meets_bf16(type) ? half : plain) = true;
    }
    if (whole) whole_.round(ws, x, bits_);
    if (half) {
      bf16_stride_ = spread_stride<bf16>(n_);
      bf16_.reserve_discarding(x.rows() * bf16_stride_);  // (n_row, bf16_stride)
      ws.team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t t = begin; t < end; ++t) kernels_->round_bf16(x.row(t), n_, bf16_.data() + t * bf16_stride_);
      });
    }
    if (plain) spread(ws, x);
  }

  /// values[k * 16 + i] = row i of a tile of w times activation row t + k, for k < n_token.
  void multiply(const stored_matrix& w, const std::byte* tile, std::size_t t, std::size_t n_token, float* values) noexcept {
    if (!packed_form_of(w.type).is_plain) {
      kernels_->multiply(tile_type_of(w.type), bits_, tile, whole_.rows().from_row(t, n_), n_token, n_, values, packed_tile_rows);
    } else if (meets_bf16(w.type)) {
      kernels_->multiply_bf16(tile, bf16_.data() + t * bf16_stride_, bf16_stride_, n_token, n_, values, packed_tile_rows);
    } else {
      kernels_->multiply_plain(w.type, tile, plain_ + t * plain_stride_, plain_stride_, n_token, n_, values, packed_tile_rows);
    }
  }

 private:
  [[nodiscard]] bool meets_bf16(tensor_type type) const noexcept { return takes_bf16_ && type == tensor_type::bf16; }

  // Rows an odd number of cache lines apart lie in different sets of a cache. Products read one value of many rows in turn, which
  // costs half their speed if these drive each other out.
  template <class Value>
  [[nodiscard]] static constexpr std::size_t spread_stride(std::size_t n) noexcept {
    return ((n * sizeof(Value) + 63) / 64 | 1) * (64 / sizeof(Value));
  }

  // x itself, or a copy whose rows lie in different sets.
  void spread(workspace& ws, matrix_view<const float> x) {
    plain_ = x.row(0);
    plain_stride_ = x.stride();
    if (x.rows() < 4 || x.stride() * sizeof(float) % 512 != 0) return;
    plain_stride_ = spread_stride<float>(n_);
    copy_.reserve_discarding(x.rows() * plain_stride_);  // (n_row, plain_stride)
    plain_ = copy_.data();
    ws.team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) std::copy_n(x.row(t), n_, copy_.data() + t * plain_stride_);
    });
  }

  const packed_kernel_table* kernels_ = nullptr;
  std::size_t n_ = 0;
  activation_bits bits_ = activation_bits::sixteen;
  bool takes_bf16_ = false;
  rounded_buffer whole_;
  buffer<bf16> bf16_;
  std::size_t bf16_stride_ = 0;
  buffer<float> copy_;
  const float* plain_ = nullptr;
  std::size_t plain_stride_ = 0;
};

/// Calls `finish(product, t, first row, values, number of rows)` with results of `n_product` products of the same `n_row` rows,
/// all of them once, from any thread of the team.
/// @param x        prepared for these products
/// @param weights  weights(i) is the matrix of product i, all packed and of the same columns
template <class Weights, class Finish>
void multiply_packed(workspace& ws, tile_operand& x, std::size_t n_row, std::size_t n_product, Weights&& weights,
                     Finish&& finish) {
  constexpr std::size_t pieces_a_thread = 4;
  constexpr std::size_t at_once = 64;  // their results (64 x 16) are finished while in the first-level cache
  std::size_t n_tile = 0;
  for (std::size_t i = 0; i < n_product; ++i) {
    const stored_matrix& w = weights(i);
    n_tile += (w.rows + packed_tile_rows - 1) / packed_tile_rows;
  }
  if (n_tile == 0) return;
  // A few pieces for each thread, which lie one after the other: each is a stream, and what a late thread leaves is taken over.
  const std::size_t n_piece = pieces_a_thread * ws.team().size(), grain = (n_tile + n_piece - 1) / n_piece;
  ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
    alignas(64) float values[at_once * packed_tile_rows];
    std::size_t base = 0;
    for (std::size_t i = 0; i < n_product; ++i) {
      const stored_matrix& w = weights(i);
      const std::size_t n = (w.rows + packed_tile_rows - 1) / packed_tile_rows;
      const std::size_t first = std::max(begin, base) - base, last = end <= base ? 0 : std::min(end - base, n);
      base += n;
      const std::size_t bytes = packed_form_of(w.type).tile_bytes(w.cols);
      for (std::size_t j = first; j < last; ++j) {
        const std::size_t n_here = std::min(packed_tile_rows, w.rows - j * packed_tile_rows);
        for (std::size_t t = 0; t < n_row; t += at_once) {
          const std::size_t n_token = std::min(at_once, n_row - t);
          x.multiply(w, w.packed + j * bytes, t, n_token, values);
          for (std::size_t k = 0; k < n_token; ++k)
            finish(i, t + k, j * packed_tile_rows, values + k * packed_tile_rows, n_here);
        }
      }
    }
  });
}

}  // namespace quipu::linear

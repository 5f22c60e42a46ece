/// @file The products of a backward pass: gradients of inputs through any stored weights, gradients of weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Products whose left operand is packed into memory that is kept from call to call. Results do not depend
/// on the number of threads.
template <class Scalar>
class multiplier {
 public:
  explicit multiplier(workspace& ws, product_rounding rounding = product_rounding::none)
      : ws_(&ws), rounding_(rounding) {}

  [[nodiscard]] workspace& tools() const noexcept { return *ws_; }

  /// c (m, n) = or += a (m, k) b (n, k)^T.  @pre as `gemm`
  template <class Right>
  void product(plain_operand<Scalar> a, const Right& b, matrix_view<Scalar> c, gemm_output output) {
    // Bounds the packed copy: 3 MB of floats.
    const std::size_t slice = std::max<std::size_t>(768, (std::size_t{768} << 10) / std::max<std::size_t>(a.k, 1)) /
                              gemm_mr<Scalar> * gemm_mr<Scalar>;
    const std::size_t outer = a.outer;
    for (std::size_t first = 0; first < outer; first += slice) {
      plain_operand<Scalar> part = a;
      part.outer = std::min(slice, outer - first);
      part.data += a.order == operand_order::along_k ? first * a.stride : first;
      packed_.pack(*ws_, part, rounding_);
      gemm(*ws_, packed_, b, c.middle_rows(first, part.outer), output);
    }
  }

  /// dx (n, d_in) = or += dy (n, d_out) W: what y = x W^T passes back to its input, whatever W is stored as.
  void input_gradient(matrix_view<const Scalar> dy, const stored_matrix& w, matrix_view<Scalar> dx,
                      gemm_output output) {
    constexpr std::size_t piece = 4096;  // outputs at a time: a vocabulary's worth would fill the caches
    for (std::size_t first = 0; first < w.rows; first += piece) {
      const std::size_t n = std::min(piece, w.rows - first);
      product(plain_operand<Scalar>::along(dy.middle_cols(first, n)),
              stored_operand<Scalar>::across(w.middle_rows(first, n)), dx, output);
      output = gemm_output::accumulate;
    }
  }

  /// dW (d_out, d_in) += dy (n, d_out)^T x (n, d_in).
  void weight_gradient(matrix_view<const Scalar> dy, matrix_view<const Scalar> x, Scalar* dw) {
    product(plain_operand<Scalar>::across(dy), plain_operand<Scalar>::across(x),
            matrix_view<Scalar>(dw, dy.cols(), x.cols()), gemm_output::accumulate);
  }

  /// db (d_out) += sum of the rows of dy (n, d_out).
  void bias_gradient(matrix_view<const Scalar> dy, Scalar* db) const {
    ws_->team().parallel_for(dy.cols(), 64, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = 0; t < dy.rows(); ++t) {
        const Scalar* row = dy.row(t);
        for (std::size_t i = begin; i < end; ++i) db[i] += row[i];
      }
    });
  }

 private:
  workspace* ws_;
  product_rounding rounding_;
  packed_rows<Scalar> packed_;
};

/// A linear layer on the way back: its weights, and where their gradients are added (null where they are frozen).
template <class Scalar>
struct layer_backward {
  const stored_matrix& w;  ///< (d_out, d_in)
  Scalar* dw = nullptr;    ///< (d_out, d_in)
  Scalar* db = nullptr;    ///< (d_out)
};

/// Gradients of y = x W^T + b, with what a module at this layer adds.
///
/// @param x   (n_row, d_in); read only for dw and by the module
/// @param dy  (n_row, d_out) in: of what the module left; the module makes it that of x W^T
/// @param dx  (n_row, d_in) out, overwritten or added to; or empty
/// @param touched  whether `module` is to be called: it may change dy and adds to dx
template <class Scalar, class Module>
void project_backward(multiplier<Scalar>& multiply, layer_backward<Scalar> layer, matrix_view<const Scalar> x,
                      matrix_view<Scalar> dy, matrix_view<Scalar> dx, gemm_output output, bool touched,
                      Module&& module) {
  if (touched) {
    if (output == gemm_output::overwrite) {
      for (std::size_t t = 0; t < dx.rows(); ++t) std::fill_n(dx.row(t), dx.cols(), Scalar(0));
    }
    module();
    output = gemm_output::accumulate;
  }
  if (layer.dw != nullptr) multiply.weight_gradient(dy, x, layer.dw);
  if (layer.db != nullptr) multiply.bias_gradient(dy, layer.db);
  if (!dx.empty()) multiply.input_gradient(dy, layer.w, dx, output);
}

/// c (m, n) = or += a (m, k) b (n, k)^T on one thread, for the small products inside a parallel step.
///
/// @param scratch  block_scratch(n, k) values
template <class Scalar>
void block_product(const kernel_table& kernels, plain_operand<Scalar> a, plain_operand<Scalar> b,
                   matrix_view<Scalar> c, gemm_output output, Scalar* scratch) noexcept {
  constexpr std::size_t mr = gemm_mr<Scalar>, nr = gemm_nr<Scalar>;
  const auto tile = gemm_tile_of<Scalar>(kernels);
  const std::size_t k = a.k;
  const bool add = output == gemm_output::accumulate;
  Scalar* const left = scratch;
  Scalar* const right = scratch + mr * k;
  for (std::size_t j = 0; j < b.outer; j += nr) b.pack(kernels, j, nr, 0, k, right + j * k, nullptr);
  alignas(64) Scalar edge[mr * nr];
  for (std::size_t i = 0; i < a.outer; i += mr) {
    a.pack(kernels, i, mr, 0, k, left, nullptr);
    const std::size_t rows = std::min(mr, a.outer - i);
    for (std::size_t j = 0; j < b.outer; j += nr) {
      const std::size_t cols = std::min(nr, b.outer - j);
      if (rows == mr && cols == nr) {
        tile(k, left, right + j * k, c.row(i) + j, c.stride(), add);
        continue;
      }
      tile(k, left, right + j * k, edge, nr, false);
      for (std::size_t r = 0; r < rows; ++r) {
        Scalar* to = c.row(i + r) + j;
        for (std::size_t s = 0; s < cols; ++s) to[s] = add ? to[s] + edge[r * nr + s] : edge[r * nr + s];
      }
    }
  }
}

template <class Scalar>
[[nodiscard]] constexpr std::size_t block_scratch(std::size_t n, std::size_t k) noexcept {
  constexpr std::size_t nr = gemm_nr<Scalar>;
  return (gemm_mr<Scalar> + (n + nr - 1) / nr * nr) * k;
}

}  // namespace quipu::linear

/// @file Products of many rows of activations with all rows of neurons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// Dense products over rows that lie in a `neuron_view`, in memory that is used again: what prompts are to kernels that skip neurons
/// else. A row's result depends neither on the rows beside it nor on the number of threads.
template <class Scalar>
class neuron_products {
 public:
  /// y = x W^T
  /// @param x  (n_row, w.cols)
  /// @param y  (n_row, w.rows)
  void run(workspace& ws, matrix_view<const Scalar> x, const neuron_view& w, matrix_view<Scalar> y) {
    rows_.pack(ws, plain_operand<Scalar>::along(x));
    for_each_widened(ws, w, [&](matrix_view<const Scalar> wide, std::size_t first) {  // (n, w.cols)
      gemm(ws, rows_, plain_operand<Scalar>::along(wide), y.middle_cols(first, wide.rows()), gemm_output::overwrite);
    });
  }
  /// y += h W, the sum over all neurons of their entry of h times their row.
  /// @param h  (n_row, w.rows)
  /// @param y  (n_row, w.cols) added to
  void add(workspace& ws, matrix_view<const Scalar> h, const neuron_view& w, matrix_view<Scalar> y) {
    for_each_widened(ws, w, [&](matrix_view<const Scalar> wide, std::size_t first) {  // (n, w.cols)
      rows_.pack(ws, plain_operand<Scalar>::along(h.middle_cols(first, wide.rows())));
      gemm(ws, rows_, plain_operand<Scalar>::across(wide), y, gemm_output::accumulate);
    });
  }

 private:
  // Calls f(rows first .. of w in plain values, first), a few hundred rows at a time.
  template <class F>
  void for_each_widened(workspace& ws, const neuron_view& w, F&& f) {
    constexpr std::size_t at_once = 256;  // of 4,096 values they are 4 MiB
    const auto widen = neuron_kernels_for<Scalar>(ws.kernels().set).widen;
    wide_.reserve_discarding(std::min(at_once, w.rows) * w.cols);  // (at_once, w.cols)
    for (std::size_t first = 0; first < w.rows; first += at_once) {
      const std::size_t n = std::min(at_once, w.rows - first);
      ws.team().parallel_for(n, 8, [&](std::size_t begin, std::size_t end, std::size_t) {
        widen(w, first + begin, end - begin, 0, w.cols, wide_.data() + begin * w.cols, w.cols);
      });
      f(std::as_const(wide_).matrix(n, w.cols), first);
    }
  }

  packed_rows<Scalar> rows_;
  buffer<Scalar> wide_;  // (at_once, w.cols)
};

}  // namespace quipu::linear

/// @file Linear layers at inference: several products of the same input in one parallel step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/input_limits.hpp>
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/listed_rows.hpp>  // listed_dot
#include <quipu/linear/packed_product.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// One product y = x W^T + bias of a step, or y += x W^T + bias.
template <class Scalar>
struct projection {
  const stored_matrix* w;   ///< (d_out, d_in)
  const Scalar* bias;       ///< (d_out) or null
  matrix_view<Scalar> y;    ///< (n_row, d_out)
  gemm_output output = gemm_output::overwrite;
};

/// Input rows of a step in the forms that the weights ask for, made once for all its products.
/// Reused from step to step, so that decoding allocates nothing.
template <class Scalar>
class projector {
 public:
  /// @param products  what products of many rows may do to their operands
  projector(workspace& ws, activation_rounding rounding, product_rounding products = product_rounding::none)
      : ws_(&ws), rounding_(rounding), products_(products) {}

  /// Says that the first `n` rows of what `run` is given from now on are tokens that were chosen one at a time.
  void set_decode_rows(std::size_t n) noexcept { n_decode_ = n; }
  [[nodiscard]] std::size_t n_decode_row() const noexcept { return n_decode_; }

  /// Computes all `products` of the rows x (n_row, d_in).
  ///
  /// A row's results depend neither on the number of threads nor on the rows beside it. Weights in tiles have one way for all
  /// rows; others are read row by row for `set_decode_rows` and in blocks for the rest, and the two differ by rounding. A matrix with
  /// limits meets the rows without the inputs that it leaves out: the same work, other numbers.
  /// @pre every w has x.cols() columns; every y is (x.rows(), w.rows)
  void run(matrix_view<const Scalar> x, std::span<const projection<Scalar>> products) {
    if (x.empty()) return;
    if (std::none_of(products.begin(), products.end(), [](const auto& p) { return p.w->limits != nullptr; })) return run_whole(x, products);
    for (projection<Scalar> p : products) {
      stored_matrix w = *p.w;
      const input_limits* const limits = std::exchange(w.limits, nullptr);
      p.w = &w;
      run_whole(limits == nullptr ? x : large_inputs(x, *limits), {&p, 1});
    }
  }

  /// Computes entries `rows` of one product of row t of x alone, for kernels that skip the others; all other entries of
  /// p.y stay. If x is what the last `run` was given, the form that it was rounded to is used again. x is rounded if
  /// `run` would round it, unless the weights are in tiles: those are widened here, row by row. In float the bits are those of
  /// `run` for rows of `set_decode_rows` and weights that are not in tiles.
  /// @pre as `run`; rows are below p.w->rows; x has not changed since it was last given to `run` or to this function
  void run_listed(matrix_view<const Scalar> x, std::size_t t, const projection<Scalar>& p,
                  std::span<const std::uint32_t> rows) {
    if constexpr (std::is_same_v<Scalar, float>) {
      const bool known = rounded_.data() == x.data() && rounded_.rows() >= x.rows() && rounded_.cols() == x.cols();
      if (!known && in_int8(*p.w)) round(x);
    }
    ws_->team().parallel_for(rows.size(), 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) listed_entry(x, t, p, rows[i]);
    });
  }

 private:
  // The products of all inputs.
  void run_whole(matrix_view<const Scalar> x, std::span<const projection<Scalar>> products) {
    rounded_ = {};
    std::size_t n_few = 0;
    if constexpr (std::is_same_v<Scalar, float>) {
      run_packed(x, products);
      if (std::any_of(products.begin(), products.end(), [&](const auto& p) { return in_int8(*p.w); })) round(x);
      n_few = std::min(n_decode_, x.rows());
      run_few(x.middle_rows(0, n_few), products);
    }
    bool packed = false;
    for (const projection<Scalar>& p : products) {
      if constexpr (std::is_same_v<Scalar, float>) {
        if (in_tiles(*p.w)) continue;
      }
      if (n_few == x.rows()) continue;
      if constexpr (std::is_same_v<Scalar, float>) {
        if (in_int8(*p.w)) {
          run_tiles(x, n_few, p);
          continue;
        }
      }
      const auto rest = x.middle_rows(n_few, x.rows() - n_few);
      const auto y = p.y.middle_rows(n_few, x.rows() - n_few);
      if (!packed) rows_.pack(*ws_, plain_operand<Scalar>::along(rest), products_);
      packed = true;
      gemm(*ws_, rows_, stored_operand<Scalar>::along(*p.w), y, p.output);
      if (p.bias != nullptr) {
        for (std::size_t t = 0; t < y.rows(); ++t) add_bias(p.bias, y.row(t), y.cols());
      }
    }
  }
  // The rows without what is below the limits, in memory of the projector's.
  [[nodiscard]] matrix_view<const Scalar> large_inputs(matrix_view<const Scalar> x, const input_limits& limits) {
    large_.reserve_discarding(x.rows() * x.cols());  // (n_row, d_in)
    const auto rows = large_.matrix(x.rows(), x.cols());
    ws_->team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) limits.apply(x.row(t), rows.row(t));
    });
    return rows;
  }

  [[nodiscard]] bool in_tiles(const stored_matrix& w) const noexcept {
    return w.packed != nullptr && (rounding_ != activation_rounding::none || packed_form_of(w.type).is_plain);
  }
  [[nodiscard]] bool in_int8(const stored_matrix& w) const noexcept {
    return rounding_ == activation_rounding::int8 && w.packed == nullptr && w.cols % int8_block == 0 &&
           (w.type == tensor_type::q4_0 || w.type == tensor_type::q4_1 || w.type == tensor_type::q8_0);
  }

  static void add_bias(const Scalar* bias, Scalar* y, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) y[i] += bias[i];
  }

  void round(matrix_view<const float> x) {
    const std::size_t n_block = x.cols() / int8_block;
    rounded_ = x;
    q_.reserve_discarding(x.rows() * x.cols());  // (n_row, d_in)
    d_.reserve_discarding(x.rows() * n_block);   // (n_row, d_in / int8_block)
    s_.reserve_discarding(x.rows() * n_block);   // (n_row, d_in / int8_block)
    ws_->team().parallel_for(x.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) {
        ws_->kernels().round_to_int8(x.row(t), x.cols(), q_.data() + t * x.cols(), d_.data() + t * n_block,
                                     s_.data() + t * n_block);
      }
    });
  }
  [[nodiscard]] int8_row rounded(std::size_t t, std::size_t cols) const noexcept {
    return {q_.data() + t * cols, d_.data() + t * (cols / int8_block), s_.data() + t * (cols / int8_block)};
  }

  // Those products whose weights are in tiles, whatever the number of rows.
  void run_packed(matrix_view<const float> x, std::span<const projection<float>> products) {
    tiled_.clear();
    for (const auto& p : products) {
      if (in_tiles(*p.w)) tiled_.push_back(&p);
    }
    if (tiled_.empty()) return;
    const auto weights = [&](std::size_t i) -> const stored_matrix& { return *tiled_[i]->w; };
    operand_.prepare(*ws_, x, rounding_, tiled_.size(), weights);
    multiply_packed(*ws_, operand_, x.rows(), tiled_.size(), weights,
                    [&](std::size_t i, std::size_t t, std::size_t first, const float* values, std::size_t n) {
                      finish(*tiled_[i], t, first, values, n);
                    });
  }

  // A few rows: weights are read once, in row order, straight from where they are stored.
  void run_few(matrix_view<const float> x, std::span<const projection<float>> products) {
    if (x.empty()) return;
    std::size_t n_output = 0, n_byte = 0;
    for (const auto& p : products) {
      if (in_tiles(*p.w)) continue;
      n_output += p.w->rows;
      n_byte += p.w->n_byte();
    }
    if (n_output == 0) return;
    // Pieces of about 32 KiB of weights: small enough to share out evenly, large enough to claim.
    const std::size_t row = std::max<std::size_t>(n_byte / std::max<std::size_t>(n_output, 1), 1);
    const std::size_t share = (n_output + 2 * ws_->team().size() - 1) / (2 * ws_->team().size());
    const std::size_t grain = std::max<std::size_t>(std::min((std::size_t{32} << 10) / row, share) / 8 * 8, 8);
    ws_->team().parallel_for(n_output, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
      std::size_t base = 0;
      for (const auto& p : products) {
        if (in_tiles(*p.w)) continue;
        const std::size_t first = std::max(begin, base) - base;
        const std::size_t last = std::min(end, base + p.w->rows);
        base += p.w->rows;
        if (last <= base - p.w->rows || first >= p.w->rows) continue;
        few_rows_of(x, p, first, last - (base - p.w->rows));
      }
    });
  }

  void few_rows_of(matrix_view<const float> x, const projection<float>& p, std::size_t first,
                   std::size_t last) noexcept {
    constexpr std::size_t at_once = 64;
    float values[at_once];
    const stored_matrix& w = *p.w;
    for (std::size_t i = first; i < last; i += at_once) {
      const std::size_t n = std::min(at_once, last - i);
      for (std::size_t t = 0; t < x.rows(); ++t) {
        if (in_int8(w)) {
          ws_->kernels().dot_rows_int8(w.type, w.row(i), w.stride, n, rounded(t, w.cols), w.cols, values);
        } else {
          ws_->kernels().dot_rows(w.type, w.row(i), w.stride, n, x.row(t), w.cols, values);
        }
        finish(p, t, i, values, n);
      }
    }
  }

  static void finish(const projection<float>& p, std::size_t t, std::size_t first, const float* values,
                     std::size_t n) noexcept {
    float* y = p.y.row(t) + first;  // (n)
    if (p.bias == nullptr && n == packed_tile_rows) {  // a number that the compiler makes registers of
      if (p.output == gemm_output::accumulate) {
        for (std::size_t j = 0; j < packed_tile_rows; ++j) y[j] += values[j];
      } else {
        std::copy_n(values, packed_tile_rows, y);
      }
      return;
    }
    for (std::size_t j = 0; j < n; ++j) {
      float value = values[j] + (p.bias != nullptr ? p.bias[first + j] : 0.0f);
      if (p.output == gemm_output::accumulate) value += y[j];
      y[j] = value;
    }
  }

  void listed_entry(matrix_view<const Scalar> x, std::size_t t, const projection<Scalar>& p,
                    std::uint32_t row) noexcept {
    const stored_matrix& w = *p.w;
    if constexpr (std::is_same_v<Scalar, float>) {
      float value;
      if (in_int8(w)) {
        ws_->kernels().dot_rows_int8(w.type, w.row(row), w.stride, 1, rounded(t, w.cols), w.cols, &value);
      } else {
        ws_->kernels().dot_rows(w.type, w.row(row), w.stride, 1, x.row(t), w.cols, &value);
      }
      finish(p, t, row, &value, 1);
    } else {
      const Scalar sum = listed_dot(w, row, x.row(t)) + (p.bias != nullptr ? p.bias[row] : Scalar(0));
      Scalar& y = p.y.row(t)[row];
      y = p.output == gemm_output::accumulate ? y + sum : sum;
    }
  }

  // Many rows: eight weight rows at a time are brought into tile order and meet all activation rows from `first` on.
  void run_tiles(matrix_view<const float> x, std::size_t first, const projection<float>& p) {
    const stored_matrix& w = *p.w;
    constexpr std::size_t tokens = 32;  // their results (32 x 8) are finished while in the first-level cache
    const std::size_t n_block = w.cols / int8_block;
    ws_->reserve(w.cols * 8 + n_block * 8 * 2 * sizeof(float));
    const std::size_t n_tile = (w.rows + 7) / 8;
    ws_->team().parallel_for(n_tile, 4, [&](std::size_t begin, std::size_t end, std::size_t thread) {
      auto* memory = ws_->scratch<std::int8_t>(thread);
      auto* scales = reinterpret_cast<float*>(memory + w.cols * 8);
      const weight_tile tile{memory, scales, scales + n_block * 8};
      alignas(64) float values[tokens * 8];
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t n_row = std::min<std::size_t>(8, w.rows - i * 8);
        ws_->kernels().fill_tile(w.type, w.row(i * 8), w.stride, n_row, w.cols, tile);
        for (std::size_t t = first; t < x.rows(); t += tokens) {
          const std::size_t n_token = std::min(tokens, x.rows() - t);
          ws_->kernels().int8_tile(w.type, tile, rounded(t, w.cols), n_token, w.cols, values, 8, n_row);
          for (std::size_t j = 0; j < n_token; ++j) finish(p, t + j, i * 8, values + j * 8, n_row);
        }
      }
    });
  }

  workspace* ws_;
  activation_rounding rounding_;
  product_rounding products_;
  std::size_t n_decode_ = 0;
  matrix_view<const Scalar> rounded_;  // the rows that q_, d_ and s_ hold, if they hold any
  packed_rows<Scalar> rows_;
  std::vector<const projection<float>*> tiled_;  // of the step that is being computed
  tile_operand operand_;
  buffer<Scalar> large_;   // (n_row, d_in)
  buffer<std::int8_t> q_;  // (n_row, d_in)
  buffer<float> d_;        // (n_row, d_in / int8_block) scales
  buffer<float> s_;        // (n_row, d_in / int8_block) sums
};

}  // namespace quipu::linear

#if defined(QUIPU_COMPILED)  // in project.ipp
namespace quipu::linear {
extern template class projector<float>;
}
#endif

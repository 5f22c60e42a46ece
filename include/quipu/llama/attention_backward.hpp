/// @file The backward pass of attention, block by block, without a matrix of all scores.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/backward.hpp>          // block_product
#include <quipu/linear/backward_kernels.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/batch_context.hpp>

namespace quipu::llama {

/// Operands of attention's backward pass.
template <class Scalar>
struct attention_gradients {
  matrix_view<const Scalar> q;         ///< (n_row, n_head * d_head) rotated, as the forward pass read it
  matrix_view<const Scalar> attended;  ///< (n_row, n_head * d_head) the forward pass' result
  const Scalar* log_sum;               ///< (n_row, n_head)
  matrix_view<const Scalar> d_out;     ///< (n_row, n_head * d_head) gradient of the result
  matrix_view<Scalar> dq;              ///< (n_row, n_head * d_head) out
  matrix_view<Scalar> dk;              ///< (n_joined, n_kv_head * d_head) out
  matrix_view<Scalar> dv;              ///< (n_joined, n_kv_head * d_head) out
};

namespace detail {

inline constexpr std::size_t attention_block = 64;  // queries and keys a block: five blocks of 64 x 64 stay in L2

template <class Scalar>
[[nodiscard]] std::size_t attention_scratch(std::size_t d_head) noexcept {
  constexpr std::size_t b = attention_block;
  const std::size_t width = std::max(b, (d_head + 15) / 16 * 16);
  return 2 * b * b + 4 * b * d_head + linear::block_scratch<Scalar>(width, width);
}

/// The products of one block of queries with one block of keys, for heads of whole registers: operands are read where
/// they lie, and pairs that attention does not see are left out in steps of `step` rows.
template <class Scalar>
struct block_products {
  static constexpr std::size_t block = attention_block, step = linear::gemm_nr<Scalar>;
  const linear::backward_kernel_table<Scalar>& loops;
  std::size_t d, n_query, n_key;
  std::size_t seen;  ///< query r sees the keys below seen + r; a difference that may be negative, modulo 2^64

  // The first query that sees key j.
  [[nodiscard]] std::size_t first_query(std::size_t j) const noexcept {
    const auto at = static_cast<std::ptrdiff_t>(j) + 1 - static_cast<std::ptrdiff_t>(seen);
    return at < 0 ? 0 : std::min(n_query, static_cast<std::size_t>(at));
  }
  // Keys that query r sees.
  [[nodiscard]] std::size_t n_own(std::size_t r) const noexcept {
    const auto n = static_cast<std::ptrdiff_t>(seen + r);
    return n < 0 ? 0 : std::min(n_key, static_cast<std::size_t>(n));
  }
  /// scores (n_query, n_key) of rows a with `columns`: panels of `step` keys, (d, step) each.
  void scores(matrix_view<const Scalar> a, const Scalar* columns, Scalar* out) const noexcept {
    for (std::size_t j = 0; j < n_key; j += step) {
      const std::size_t r = first_query(j);
      if (r < n_query)
        loops.strided_product(n_query - r, step, d, a.row(r), a.stride(), 1, columns + j * d, step, out + r * block + j,
                              block, false);
    }
  }
  /// c (d, block) += b^T p: columns of keys, since rows of p are what a register can load.
  void to_keys(const Scalar* p, matrix_view<const Scalar> b, Scalar* c) const noexcept {
    for (std::size_t j = 0; j < n_key; j += step) {
      const std::size_t r = first_query(j);
      if (r < n_query)
        loops.strided_product(d, step, n_query - r, b.row(r), 1, b.stride(), p + r * block + j, block, c + j, block,
                              true);
    }
  }
  /// c (n_query, d) += p b
  void to_queries(const Scalar* p, matrix_view<const Scalar> b, matrix_view<Scalar> c) const noexcept {
    for (std::size_t r = 0; r < n_query; r += step) {
      const std::size_t rows = std::min(step, n_query - r), n = n_own(r + rows - 1);
      if (n > 0)
        loops.strided_product(rows, d, n, p + r * block, block, 1, b.data(), b.stride(), c.row(r), c.stride(), true);
    }
  }
};

/// All queries of one sequence that read one key head.
template <class Scalar>
void attend_backward(const linear::kernel_table& kernels, const io::model_config& c,
                     const batch_context<Scalar>& context, const row_segment& s, std::size_t kv_head,
                     const attention_gradients<Scalar>& g, const Scalar* delta, Scalar* scratch) noexcept {
  using operand = linear::plain_operand<Scalar>;
  using enum linear::gemm_output;
  constexpr std::size_t block = attention_block;
  const auto& loops = linear::backward_kernels_for<Scalar>(kernels.set);
  const std::size_t d = c.d_head, group = c.n_head / c.n_kv_head, joined = context.first(s);
  const std::size_t n_total = s.position + s.n_row;
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(d));
  const bool whole_registers = d % linear::backward_kernel_table<Scalar>::strided_width == 0;
  Scalar* const columns = scratch + 2 * block * block + 2 * block * d;  // of keys and values: two times (block, d)
  Scalar* const pack = columns + 2 * block * d;
  for (std::size_t i = 0; i < s.n_row; ++i)
    std::fill_n(g.dq.row(s.first_row + i) + kv_head * group * d, group * d, Scalar(0));
  for (std::size_t first_key = 0; first_key < n_total; first_key += block) {
    const std::size_t n_key = std::min(block, n_total - first_key);
    const auto head_of = [&](auto m, std::size_t row, std::size_t rows, std::size_t head) {
      return m.middle_rows(row, rows).middle_cols(head * d, d);
    };
    const auto k = head_of(context.keys(), joined + first_key, n_key, kv_head);    // (n_key, d_head)
    const auto v = head_of(context.values(), joined + first_key, n_key, kv_head);  // (n_key, d_head)
    // (n_key, d_head)
    const matrix_view<Scalar> dk(scratch + 2 * block * block, n_key, d), dv(dk.data() + block * d, n_key, d);
    std::fill_n(dk.data(), 2 * block * d, Scalar(0));
    if (whole_registers) {
      constexpr std::size_t width = linear::gemm_nr<Scalar>;
      for (std::size_t j = 0; j < n_key; j += width) {
        operand::along(k).pack(kernels, j, width, 0, d, columns + j * d, nullptr);
        operand::along(v).pack(kernels, j, width, 0, d, columns + (block + j) * d, nullptr);
      }
    }
    // Queries before the first key of the block do not see it.
    const std::size_t first_query = first_key > s.position ? (first_key - s.position) / block * block : 0;
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (std::size_t i = first_query; i < s.n_row; i += block) {
        const std::size_t n_query = std::min(block, s.n_row - i), row = s.first_row + i;
        const auto q = head_of(g.q, row, n_query, head);          // (n_query, d_head)
        const auto d_out = head_of(g.d_out, row, n_query, head);  // (n_query, d_head)
        const auto dq = head_of(g.dq, row, n_query, head);        // (n_query, d_head)
        // (n_query, n_key)
        const matrix_view<Scalar> p(scratch, n_query, n_key, block), dp(scratch + block * block, n_query, n_key, block);
        const block_products<Scalar> products{loops, d, n_query, n_key, s.position + i + 1 - first_key};
        if (whole_registers) {
          products.scores(q, columns, p.data());
          products.scores(d_out, columns + block * d, dp.data());
        } else {
          linear::block_product<Scalar>(kernels, operand::along(q), operand::along(k), p, overwrite, pack);
          linear::block_product<Scalar>(kernels, operand::along(d_out), operand::along(v), dp, overwrite, pack);
        }
        for (std::size_t r = 0; r < n_query; ++r) {
          const std::size_t n_own = products.n_own(r);
          loops.attention(p.row(r), dp.row(r), n_own, scale, g.log_sum[(row + r) * c.n_head + head],
                          delta[(row + r) * c.n_head + head]);
          std::fill(p.row(r) + n_own, p.row(r) + block, Scalar(0));
          std::fill(dp.row(r) + n_own, dp.row(r) + block, Scalar(0));
        }
        if (whole_registers) {
          products.to_keys(p.data(), d_out, dv.data());
          products.to_keys(dp.data(), q, dk.data());
          products.to_queries(dp.data(), k, dq);
          continue;
        }
        linear::block_product<Scalar>(kernels, operand::across(p), operand::across(d_out), dv, accumulate, pack);
        linear::block_product<Scalar>(kernels, operand::across(dp), operand::across(q), dk, accumulate, pack);
        linear::block_product<Scalar>(kernels, operand::along(dp), operand::across(k), dq, accumulate, pack);
      }
    }
    // Whole registers leave their sums in columns.
    const std::size_t next_key = whole_registers ? 1 : d, next_value = whole_registers ? block : 1;
    for (std::size_t j = 0; j < n_key; ++j) {
      Scalar* const to_k = g.dk.row(joined + first_key + j) + kv_head * d;
      Scalar* const to_v = g.dv.row(joined + first_key + j) + kv_head * d;
      for (std::size_t i = 0; i < d; ++i) {
        to_k[i] = dk.data()[j * next_key + i * next_value];
        to_v[i] = dv.data()[j * next_key + i * next_value];
      }
    }
  }
}

}  // namespace detail

/// dq, dk and dv of `attend`, with probabilities recomputed from its normalisers. Source: Dao et al. 2022,
/// algorithm 4; ds_ij = p_ij (<do_i, v_j> - <do_i, o_i>).
///
/// @param context  holds the keys and values of the layer
/// @param delta    kept memory for <do_i, o_i> of every head
/// Work is shared out by sequence and key head, so results do not depend on the number of threads.
template <class Scalar>
void attention_backward(linear::workspace& ws, const io::model_config& c, const batch_context<Scalar>& context,
                        const attention_gradients<Scalar>& g, buffer<Scalar>& delta) {
  const auto dot = linear::backward_kernels_for<Scalar>(ws.kernels().set).dot;
  delta.reserve_discarding(g.q.rows() * c.n_head);  // (n_row, n_head)
  ws.team().parallel_for(g.q.rows(), 16, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t h = 0; h < c.n_head; ++h) {
        delta[t * c.n_head + h] = dot(g.d_out.row(t) + h * c.d_head, g.attended.row(t) + h * c.d_head, c.d_head);
      }
    }
  });
  ws.reserve(detail::attention_scratch<Scalar>(c.d_head) * sizeof(Scalar));
  const auto segments = context.segments();
  ws.team().parallel_for(segments.size() * c.n_kv_head, 1, [&](std::size_t task, std::size_t, std::size_t thread) {
    detail::attend_backward<Scalar>(ws.kernels(), c, context, segments[task / c.n_kv_head], task % c.n_kv_head, g,
                                    delta.data(), ws.template scratch<Scalar>(thread));
  });
}

}  // namespace quipu::llama

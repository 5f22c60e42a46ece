/// @file Several LoRA modules on the rows of one batch, each on its own, in one parallel step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward.hpp>  // block_product
#include <quipu/linear/workspace.hpp>
#include <quipu/pet/lora.hpp>

namespace quipu::pet {

/// Consecutive rows of a batch that belong to one module.
struct row_range {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// One linear layer's part of a module and all rows of the batch that it works on.
template <class Scalar>
struct lora_group {
  const typename lora::module<Scalar>::target* target;
  std::vector<row_range> rows;
};

namespace detail {

/// Runs body(group, rows, u (n_row, rank), scratch) for every group on one thread each, so that no two threads
/// add to one module's gradients.
template <class Scalar, class Body>
void for_each_group(linear::workspace& ws, std::span<const lora_group<Scalar>> groups, Body&& body) {
  std::size_t inner = 0, scratch = 0;
  for (const auto& g : groups) {
    const auto& t = *g.target;
    for (const row_range& r : g.rows) {
      inner = std::max(inner, r.count * t.rank);
      for (const std::size_t n : {t.rank, t.d_out, t.d_in}) {
        for (const std::size_t k : {t.rank, t.d_out, t.d_in, r.count}) {
          if (n == t.rank || k == t.rank || k == r.count)
            scratch = std::max(scratch, linear::block_scratch<Scalar>(n, k));
        }
      }
    }
  }
  ws.reserve((inner + scratch) * sizeof(Scalar));
  ws.team().parallel_for(groups.size(), 1, [&](std::size_t i, std::size_t, std::size_t thread) {
    Scalar* memory = ws.scratch<Scalar>(thread);
    for (const row_range& r : groups[i].rows) {
      body(*groups[i].target, r, matrix_view<Scalar>(memory + scratch, r.count, groups[i].target->rank), memory);
    }
  });
}

template <class Scalar>
void scale_rows(matrix_view<Scalar> m, Scalar factor) noexcept {
  for (std::size_t i = 0; i < m.rows() * m.cols(); ++i) m.data()[i] *= factor;
}

}  // namespace detail

/// y += scale (x A^T) B^T on the rows of every group, without dropout. x (n_row, d_in), y (n_row, d_out).
template <class Scalar>
void project_groups(linear::workspace& ws, std::span<const lora_group<Scalar>> groups, matrix_view<const Scalar> x,
                    matrix_view<Scalar> y) {
  using operand = linear::plain_operand<Scalar>;
  using linear::gemm_output;
  detail::for_each_group(ws, groups, [&](const auto& t, row_range r, matrix_view<Scalar> u, Scalar* scratch) {
    const auto& kernels = ws.kernels();
    linear::block_product(kernels, operand::along(x.middle_rows(r.first, r.count)),
                          operand::along({t.a, t.rank, t.d_in}), u, gemm_output::overwrite, scratch);
    detail::scale_rows(u, t.scale);
    linear::block_product(kernels, operand::along(u), operand::along({t.b, t.d_out, t.rank}),
                          y.middle_rows(r.first, r.count), gemm_output::accumulate, scratch);
  });
}

/// Its twin: adds to the gradients of every group's A and B, and to dx what passes through them; dx may be empty.
template <class Scalar>
void project_groups_backward(linear::workspace& ws, std::span<const lora_group<Scalar>> groups,
                             matrix_view<const Scalar> x, matrix_view<const Scalar> dy, matrix_view<Scalar> dx) {
  using operand = linear::plain_operand<Scalar>;
  using linear::gemm_output;
  detail::for_each_group(ws, groups, [&](const auto& t, row_range r, matrix_view<Scalar> u, Scalar* scratch) {
    const auto& kernels = ws.kernels();
    const auto rows = x.middle_rows(r.first, r.count);
    const auto g = dy.middle_rows(r.first, r.count);
    const matrix_view<const Scalar> a(t.a, t.rank, t.d_in), b(t.b, t.d_out, t.rank);
    linear::block_product(kernels, operand::along(rows), operand::along(a), u, gemm_output::overwrite, scratch);
    detail::scale_rows(u, t.scale);
    linear::block_product(kernels, operand::across(g), operand::across(u), matrix_view<Scalar>(t.db, t.d_out, t.rank),
                          gemm_output::accumulate, scratch);
    linear::block_product(kernels, operand::along(g), operand::across(b), u, gemm_output::overwrite, scratch);
    detail::scale_rows(u, t.scale);
    linear::block_product(kernels, operand::across(u), operand::across(rows), matrix_view<Scalar>(t.da, t.rank, t.d_in),
                          gemm_output::accumulate, scratch);
    if (!dx.empty()) {
      linear::block_product(kernels, operand::along(u), operand::across(a), dx.middle_rows(r.first, r.count),
                            gemm_output::accumulate, scratch);
    }
  });
}

}  // namespace quipu::pet

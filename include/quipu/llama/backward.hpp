/// @file The backward pass of a decoder block, written out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/trainable_kernel.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/backward_kernels.hpp>
#include <quipu/llama/attention_backward.hpp>
#include <quipu/llama/batch_context.hpp>
#include <quipu/llama/forward.hpp>
#include <quipu/llama/tape.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/llama/weight_gradients.hpp>

namespace quipu::llama {

/// What a backward pass uses besides model, tape and data; its memory is kept from layer to layer.
template <class Scalar>
struct backward_tools {
  linear::multiplier<Scalar>& multiply;
  const rope_table<Scalar>& rope;
  ffn::backward_workspace<Scalar>& ffn;
  std::array<buffer<Scalar>, 9>& scratch;
};

/// dx += and dw += of y = rms_norm(x) w, for all rows. Partial sums of dw belong to fixed slices of rows.
/// @param dw  (d_model), or null
template <class Scalar>
void rms_norm_rows_backward(const linear::workspace& ws, matrix_view<const Scalar> x, const Scalar* w, double eps,
                            matrix_view<const Scalar> dy, matrix_view<Scalar> dx, Scalar* dw, buffer<Scalar>& partial) {
  constexpr std::size_t slice = 64;
  const auto norm = linear::backward_kernels_for<Scalar>(ws.kernels().set).rms_norm;
  const std::size_t n = x.cols(), n_slice = (x.rows() + slice - 1) / slice;
  if (dw != nullptr) {
    partial.reserve_discarding(n_slice * n);
    std::fill_n(partial.data(), n_slice * n, Scalar(0));
  }
  ws.team().parallel_for(x.rows(), slice, [&](std::size_t begin, std::size_t end, std::size_t) {
    Scalar* own = dw == nullptr ? nullptr : partial.data() + begin / slice * n;
    for (std::size_t t = begin; t < end; ++t) norm(x.row(t), w, static_cast<Scalar>(eps), dy.row(t), n, dx.row(t), own);
  });
  if (dw == nullptr) return;
  for (std::size_t s = 0; s < n_slice; ++s) {
    for (std::size_t i = 0; i < n; ++i) dw[i] += partial[s * n + i];
  }
}

namespace detail {

enum scratch_use : std::size_t {
  d_normed, normed, d_attended, dq, dk, dv, delta, partial, d_output
};

template <class Scalar, class Hooks>
void project_backward(backward_tools<Scalar> tools, Hooks& hooks, std::size_t layer,
                      std::span<const row_segment> segments, linear::projection_site site,
                      linear::layer_backward<Scalar> p, matrix_view<const Scalar> x, matrix_view<Scalar> dy,
                      matrix_view<Scalar> dx, linear::gemm_output output) {
  linear::project_backward<Scalar>(tools.multiply, p, x, dy, dx, output, hooks.touches(site, layer),
                                   [&] { hooks.projected_backward(site, layer, segments, x, dy, dx); });
}

/// Gives an FFN kernel the hooks of one layer on the way back.
template <class Scalar, class Hooks>
struct ffn_backward_observer : ffn_observer<Scalar, Hooks> {
  using const_rows = matrix_view<const Scalar>;
  using rows = matrix_view<Scalar>;

  [[nodiscard]] bool touches(linear::projection_site site) const { return this->hooks.touches(site, this->layer); }
  [[nodiscard]] bool reads_hidden() const { return this->hooks.reads_hidden(this->layer); }
  void projected_backward(linear::projection_site site, const_rows x, rows dy, rows dx) const {
    this->hooks.projected_backward(site, this->layer, this->segments, x, dy, dx);
  }
  void hidden_backward(const_rows h, rows dh) const {
    this->hooks.ffn_hidden_backward(this->layer, this->segments, h, dh);
  }
};

template <class Scalar>
matrix_view<Scalar> scratch_matrix(backward_tools<Scalar> tools, scratch_use use, std::size_t rows, std::size_t cols) {
  buffer<Scalar>& b = tools.scratch[use];
  b.reserve_discarding(rows * cols);
  return b.matrix(rows, cols);
}

// A copy of the residual gradient that output hooks may change, if a site is computed apart.
template <class Scalar>
matrix_view<Scalar> output_gradient(backward_tools<Scalar> tools, bool separate, matrix_view<Scalar> dx) {
  if (!separate) return dx;
  const auto own = scratch_matrix(tools, d_output, dx.rows(), dx.cols());  // (n_row, d_model)
  for (std::size_t t = 0; t < dx.rows(); ++t) std::copy_n(dx.row(t), dx.cols(), own.row(t));
  return own;
}

/// x' = x + ffn(n), n = rms_norm(x):  dx in: of x', out: of x.
template <class Policies, class Hooks, class Scalar>
void ffn_backward(const basic_model<Policies>& m, std::size_t layer, backward_tools<Scalar> tools,
                  std::span<const row_segment> segments, const tape<Scalar>& record, Hooks& hooks,
                  const block_gradients<Scalar>& g, matrix_view<Scalar> dx) {
  using enum linear::projection_site;
  linear::workspace& ws = tools.multiply.tools();
  const config& c = m.config();
  const block_weights<Scalar>& w = m.weights().blocks[layer];
  const std::size_t n = dx.rows();
  const matrix_view<const Scalar> x = record.middle(layer);  // (n_row, d_model)

  const bool separate = hooks.separates(down, layer);
  const auto dy = output_gradient(tools, separate, dx);  // (n_row, d_model)
  if (separate) hooks.ffn_output_backward(layer, segments, record.at(slot::ffn_out, layer), dy);
  matrix_view<Scalar> normed_rows;  // (n_row, d_model)
  if (g.ffn.gate != nullptr || g.ffn.up != nullptr || hooks.touches(gate, layer) || hooks.touches(up, layer)) {
    normed_rows = scratch_matrix(tools, normed, n, c.d_model);
    rms_norm_rows<Scalar>(ws, x, w.ffn_norm, c.rms_norm_eps, normed_rows);
  }
  const auto dn = scratch_matrix(tools, d_normed, n, c.d_model);  // (n_row, d_model)
  m.ffn().backward(m.ffn_state_of(layer), w.ffn, tools.ffn,
                   ffn::ffn_record<Scalar>{normed_rows, record.at(slot::gate, layer), record.at(slot::up, layer)},
                   g.ffn, dy, dn, ffn_backward_observer<Scalar, Hooks>{{hooks, layer, segments}});
  rms_norm_rows_backward<Scalar>(ws, x, w.ffn_norm, c.rms_norm_eps, dn, dx, g.ffn_norm, tools.scratch[partial]);
}

template <class Scalar>
void rotate_rows_back(const linear::workspace& ws, const rope_table<Scalar>& rope,
                      std::span<const row_segment> segments, std::size_t d_head, matrix_view<Scalar> x) {
  const auto rotate = linear::backward_kernels_for<Scalar>(ws.kernels().set).rotate_back;
  for (const row_segment& s : segments) {
    ws.team().parallel_for(s.n_row, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) {
        Scalar* row = x.row(s.first_row + i);
        for (std::size_t col = 0; col < x.cols(); col += d_head) {
          rotate(row + col, rope.cosine(s.position + i), rope.sine(s.position + i), rope.half());
        }
      }
    });
  }
}

// Drops the rows of prefixes; what is left lies at the rows of the batch.
template <class Scalar>
void drop_prefixes(const batch_context<Scalar>& context, matrix_view<Scalar> joined) {
  for (const row_segment& s : context.segments()) {
    for (std::size_t i = 0; i < s.n_row; ++i) {
      const Scalar* from = joined.row(context.first(s) + s.position + i);
      std::copy_n(from, joined.cols(), joined.row(s.first_row + i));
    }
  }
}

/// x' = x + o(attend(rope(q n), rope(k n), v n)), n = rms_norm(x):  dx in: of x', out: of x.
/// @param reaches_input  false if nothing below the block trains: dx is then left as it is
template <class Policies, class Hooks, class Scalar>
void attention_block_backward(const basic_model<Policies>& m, std::size_t layer, backward_tools<Scalar> tools,
                              std::span<const row_segment> segments, const tape<Scalar>& record,
                              batch_context<Scalar>& context, Hooks& hooks, const block_gradients<Scalar>& g,
                              matrix_view<Scalar> dx, bool reaches_input) {
  using const_rows = matrix_view<const Scalar>;
  using site = linear::projection_site;
  linear::workspace& ws = tools.multiply.tools();
  const config& c = m.config();
  const block_weights<Scalar>& w = m.weights().blocks[layer];
  const std::size_t n = dx.rows();
  const const_rows x = record.input(layer);                      // (n_row, d_model)
  const const_rows attended = record.at(slot::attended, layer);  // (n_row, n_head * d_head)

  const bool separate = hooks.separates(site::o, layer);
  const auto dy = output_gradient(tools, separate, dx);  // (n_row, d_model)
  if (separate) hooks.attention_output_backward(layer, segments, record.at(slot::attention_out, layer), dy);
  const auto d_att = scratch_matrix(tools, d_attended, n, c.d_q());  // (n_row, n_head * d_head)
  project_backward<Scalar>(tools, hooks, layer, segments, site::o, {w.o, g.o, g.o_bias}, attended, dy, d_att,
                           linear::gemm_output::overwrite);

  const auto dq_rows = scratch_matrix(tools, dq, n, c.d_q());                      // (n_row, n_head * d_head)
  const auto dk_joined = scratch_matrix(tools, dk, context.n_joined(), c.d_kv());  // (n_joined, n_kv_head * d_head)
  const auto dv_joined = scratch_matrix(tools, dv, context.n_joined(), c.d_kv());  // (n_joined, n_kv_head * d_head)
  context.template store<Scalar>(ws, layer, segments, record.at(slot::k, layer), record.at(slot::v, layer));
  attention_backward<Scalar>(
      ws, c, context,
      {record.at(slot::q, layer), attended, record.log_sum(layer), d_att, dq_rows, dk_joined, dv_joined},
      tools.scratch[delta]);
  if (context.any_prefix()) {
    context.add_prefix_gradients(layer, dk_joined, dv_joined);
    drop_prefixes(context, dk_joined);
    drop_prefixes(context, dv_joined);
  }
  const auto dk_rows = dk_joined.middle_rows(0, n);  // (n_row, n_kv_head * d_head)
  const auto dv_rows = dv_joined.middle_rows(0, n);  // (n_row, n_kv_head * d_head)
  rotate_rows_back(ws, tools.rope, segments, c.d_head, dq_rows);
  rotate_rows_back(ws, tools.rope, segments, c.d_head, dk_rows);

  reaches_input = reaches_input || g.attention_norm != nullptr;
  // (n_row, d_model)
  const auto dn = reaches_input ? scratch_matrix(tools, d_normed, n, c.d_model) : matrix_view<Scalar>();
  matrix_view<Scalar> normed_rows;  // (n_row, d_model)
  if (g.q != nullptr || g.k != nullptr || g.v != nullptr || hooks.touches(site::q, layer) ||
      hooks.touches(site::k, layer) || hooks.touches(site::v, layer)) {
    normed_rows = scratch_matrix(tools, normed, n, c.d_model);
    rms_norm_rows<Scalar>(ws, x, w.attention_norm, c.rms_norm_eps, normed_rows);
  }
  project_backward<Scalar>(tools, hooks, layer, segments, site::q, {w.q, g.q, g.q_bias}, normed_rows, dq_rows, dn,
                           linear::gemm_output::overwrite);
  project_backward<Scalar>(tools, hooks, layer, segments, site::k, {w.k, g.k, g.k_bias}, normed_rows, dk_rows, dn,
                           linear::gemm_output::accumulate);
  project_backward<Scalar>(tools, hooks, layer, segments, site::v, {w.v, g.v, g.v_bias}, normed_rows, dv_rows, dn,
                           linear::gemm_output::accumulate);
  if (!reaches_input) return;
  rms_norm_rows_backward<Scalar>(ws, x, w.attention_norm, c.rms_norm_eps, dn, dx, g.attention_norm,
                                 tools.scratch[partial]);
}

}  // namespace detail

/// The gradient of a block: the twin of `forward_block`.
///
/// @param record  what the forward pass of this block left
/// @param g       where the gradients of the block's weights are added; null pointers are skipped, their
///                products are not computed
/// @param dx      (n_row, d_model) in: gradient of the block's output, out: of its input
/// @param reaches_input  whether anything below the block needs the gradient of its input
template <class Policies, class Hooks, class Scalar>
void backward_block(const basic_model<Policies>& m, std::size_t layer, backward_tools<Scalar> tools,
                    std::span<const row_segment> segments, const tape<Scalar>& record, batch_context<Scalar>& context,
                    Hooks& hooks, const block_gradients<Scalar>& g, matrix_view<Scalar> dx, bool reaches_input) {
  static_assert((ffn::explain_trainable<typename basic_model<Policies>::ffn_type>(), true));
  hooks.block_output_backward(layer, segments, dx);
  detail::ffn_backward(m, layer, tools, segments, record, hooks, g, dx);
  detail::attention_block_backward(m, layer, tools, segments, record, context, hooks, g, dx, reaches_input);
}

}  // namespace quipu::llama

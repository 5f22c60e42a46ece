/// @file The forward pass of a LLaMA, the same for inference and training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/dequantise.hpp>      // dequantise_row
#include <quipu/linear/project.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/attention.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/recorder.hpp>
#include <quipu/llama/rope.hpp>

namespace quipu::llama {

/// What a forward pass uses besides model and data. Owned by a session or a trainer.
template <class Scalar>
struct forward_tools {
  linear::workspace& ws;
  linear::projector<Scalar>& projector;
  const rope_table<Scalar>& rope;  ///< extended to the last position of the batch
  attention_plan& plan;            ///< of the batch, which `forward_blocks` makes
};

/// out[t] = embedding of tokens[t].  @pre tokens are below n_vocab
template <class Scalar>
void embed(const linear::stored_matrix& embedding, std::span<const token_id> tokens, matrix_view<Scalar> out) {
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    io::dequantise_row(embedding.type, embedding.row(static_cast<std::size_t>(tokens[t])), out.row(t), embedding.cols);
  }
}

template <class Scalar>
void rms_norm_rows(const linear::workspace& ws, matrix_view<const Scalar> x, const Scalar* w, double eps,
                   matrix_view<Scalar> out) {
  const auto norm = linear::row_kernels_for<Scalar>(ws.kernels().set).rms_norm;
  ws.team().parallel_for(x.rows(), 16, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = begin; t < end; ++t) norm(x.row(t), w, static_cast<Scalar>(eps), x.cols(), out.row(t));
  });
}

/// Rotates every head of every row by its position.
template <class Scalar>
void rotate_rows(const linear::workspace& ws, const rope_table<Scalar>& rope, std::span<const row_segment> segments,
                 std::size_t d_head, matrix_view<Scalar> x) {
  const auto rotate = linear::row_kernels_for<Scalar>(ws.kernels().set).rotate;
  for (const row_segment& s : segments) {
    ws.team().parallel_for(s.n_row, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) {
        Scalar* row = x.row(s.first_row + i);
        for (std::size_t c = 0; c < x.cols(); c += d_head) {
          rotate(row + c, rope.cosine(s.position + i), rope.sine(s.position + i), rope.half());
        }
      }
    });
  }
}

template <class Scalar>
void add_rows(const linear::workspace& ws, matrix_view<const Scalar> x, matrix_view<Scalar> y) {
  ws.team().parallel_for(x.rows(), 16, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = begin; t < end; ++t) {
      const Scalar* from = x.row(t);
      Scalar* to = y.row(t);
      for (std::size_t i = 0; i < x.cols(); ++i) to[i] += from[i];
    }
  });
}

namespace detail {

/// Gives an FFN kernel the hooks of one layer.
template <class Scalar, class Hooks>
struct ffn_observer {
  static constexpr bool is_idle = std::is_same_v<std::remove_cv_t<Hooks>, no_hooks>;
  Hooks& hooks;
  std::size_t layer;
  std::span<const row_segment> segments;

  void gate(matrix_view<const Scalar> x, matrix_view<Scalar> y) const {
    hooks.projected(projection_site::gate, layer, segments, x, y);
  }
  void up(matrix_view<const Scalar> x, matrix_view<Scalar> y) const {
    hooks.projected(projection_site::up, layer, segments, x, y);
  }
  void hidden(matrix_view<Scalar> h) const { hooks.ffn_hidden(layer, segments, h); }
  void down(matrix_view<const Scalar> x, matrix_view<Scalar> y) const {
    hooks.projected(projection_site::down, layer, segments, x, y);
  }
};

}  // namespace detail

/// One decoder block:  x' = x + O attend(rope(Q n), rope(K n), V n),  n = rms_norm(x)
///                     y  = x' + ffn(rms_norm(x'))                     source: Touvron et al. 2023, section 2.2
///
/// @param tools  their plan is that of `segments`
/// @param x  (n_row, d_model) residual stream
/// @return the residual stream after the block: x itself, or the recorder's own copy
template <class Policies, class Recorder, class Context, class Hooks>
[[nodiscard]] auto forward_block(const basic_model<Policies>& m, std::size_t layer,
                                 forward_tools<scalar_of<Policies>> tools,
                                 std::span<const row_segment> segments, matrix_view<scalar_of<Policies>> x,
                                 Recorder& recorder, Context& context, Hooks& hooks) {
  using scalar = scalar_of<Policies>;
  using product = linear::projection<scalar>;
  using const_rows = matrix_view<const scalar>;
  const config& c = m.config();
  const block_weights<scalar>& w = m.weights().blocks[layer];
  const std::size_t n = x.rows();

  const auto normed = recorder.matrix(slot::attention_in, layer, n, c.d_model);  // (n_row, d_model)
  rms_norm_rows<scalar>(tools.ws, x, w.attention_norm, c.rms_norm_eps, normed);
  const auto q = recorder.matrix(slot::q, layer, n, c.d_q());   // (n_row, n_head * d_head)
  const auto k = recorder.matrix(slot::k, layer, n, c.d_kv());  // (n_row, n_kv_head * d_head)
  const auto v = recorder.matrix(slot::v, layer, n, c.d_kv());  // (n_row, n_kv_head * d_head)
  const std::array<product, 3> qkv{{{&w.q, w.q_bias, q}, {&w.k, w.k_bias, k}, {&w.v, w.v_bias, v}}};
  tools.projector.run(normed, qkv);
  hooks.projected(projection_site::q, layer, segments, const_rows(normed), q);
  hooks.projected(projection_site::k, layer, segments, const_rows(normed), k);
  hooks.projected(projection_site::v, layer, segments, const_rows(normed), v);
  rotate_rows(tools.ws, tools.rope, segments, c.d_head, q);
  rotate_rows(tools.ws, tools.rope, segments, c.d_head, k);
  context.template store<scalar>(tools.ws, layer, segments, k, v);
  const auto attended = recorder.matrix(slot::attended, layer, n, c.d_q());  // (n_row, n_head * d_head)
  attend<scalar>(tools.ws, c, context, layer, tools.plan, q, attended, recorder.log_sum(layer, n, c.n_head));

  x = recorder.residual(layer, 0, x);
  if (hooks.separates(projection_site::o, layer)) {
    const auto out = recorder.matrix(slot::attention_out, layer, n, c.d_model);  // (n_row, d_model)
    const product o{&w.o, w.o_bias, out};
    tools.projector.run(attended, {&o, 1});
    hooks.projected(projection_site::o, layer, segments, const_rows(attended), out);
    const auto changed = recorder.output(slot::attention_out, out);  // (n_row, d_model)
    hooks.attention_output(layer, segments, changed);
    add_rows<scalar>(tools.ws, changed, x);
  } else {
    const product o{&w.o, w.o_bias, x, linear::gemm_output::accumulate};
    tools.projector.run(attended, {&o, 1});
    hooks.projected(projection_site::o, layer, segments, const_rows(attended), x);
  }

  const auto ffn_in = recorder.matrix(slot::ffn_in, layer, n, c.d_model);  // (n_row, d_model)
  rms_norm_rows<scalar>(tools.ws, x, w.ffn_norm, c.rms_norm_eps, ffn_in);
  const ffn::ffn_buffers<scalar> buffers{recorder.matrix(slot::gate, layer, n, c.d_ffn),  // (n_row, d_ffn) each
                                         recorder.matrix(slot::up, layer, n, c.d_ffn),
                                         recorder.matrix(slot::hidden, layer, n, c.d_ffn)};
  const detail::ffn_observer<scalar, Hooks> observer{hooks, layer, segments};
  x = recorder.residual(layer, 1, x);
  if (hooks.separates(projection_site::down, layer)) {
    const auto out = recorder.matrix(slot::ffn_out, layer, n, c.d_model);  // (n_row, d_model)
    for (std::size_t t = 0; t < n; ++t) std::fill_n(out.row(t), c.d_model, scalar(0));
    m.ffn().forward(m.ffn_state_of(layer), w.ffn, tools.ws, tools.projector, ffn_in, buffers, out, observer);
    const auto changed = recorder.output(slot::ffn_out, out);  // (n_row, d_model)
    hooks.ffn_output(layer, segments, changed);
    add_rows<scalar>(tools.ws, changed, x);
  } else {
    m.ffn().forward(m.ffn_state_of(layer), w.ffn, tools.ws, tools.projector, ffn_in, buffers, x, observer);
  }
  hooks.block_output(layer, segments, const_rows(x));
  return x;
}

/// Decoder blocks first .. last - 1.
/// @param x  (n_row, d_model) what enters block `first`; becomes the residual stream in inference
/// @return (n_row, d_model) after block last - 1
template <class Policies, class Recorder, class Context, class Hooks>
[[nodiscard]] auto forward_blocks(const basic_model<Policies>& m, std::size_t first, std::size_t last,
                                  forward_tools<scalar_of<Policies>> tools, std::span<const row_segment> segments,
                                  matrix_view<scalar_of<Policies>> x, Recorder& recorder, Context& context, Hooks& hooks) {
  tools.plan.plan(segments);
  for (std::size_t layer = first; layer < last; ++layer) {
    x = forward_block(m, layer, tools, segments, x, recorder, context, hooks);
  }
  return x;
}

/// All decoder blocks.
/// @param x  (n_row, d_model) embeddings; becomes the residual stream in inference
/// @return (n_row, d_model) after the last block, before the final norm
template <class Policies, class Recorder, class Context, class Hooks>
[[nodiscard]] auto forward_blocks(const basic_model<Policies>& m,
                                  forward_tools<scalar_of<Policies>> tools,
                                  std::span<const row_segment> segments,
                                  matrix_view<scalar_of<Policies>> x, Recorder& recorder,
                                  Context& context, Hooks& hooks) {
  return forward_blocks(m, 0, m.config().n_layer, tools, segments, x, recorder, context, hooks);
}

}  // namespace quipu::llama

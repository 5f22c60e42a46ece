/// @file The dense gated FFN.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/gate.hpp>
#include <quipu/ffn/gate_backward.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/trainable_kernel.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// Dense gated FFN: y += W_down (f(W_gate x) * (W_up x)).  Source: Shazeer 2020, eq. (6), with the
/// activation as a policy. The reference that every sparse kernel is measured against.
///
/// @tparam Activation  models `activation_policy`
template <class Activation>
struct dense {
  static_assert((activation::explain<Activation>(), true));
  using policy_role = role::ffn;
  using activation_type = Activation;
  template <class Scalar>
  using state = empty_state<dense, Scalar>;
  /// The same kernel with another activation.
  template <class Other>
  using with_activation = dense<Other>;

  Activation activation{};

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>&, const ffn_weights<Scalar>& w, linear::workspace& ws,
               linear::projector<Scalar>& projector, std::type_identity_t<matrix_view<const Scalar>> x,
               ffn_buffers<Scalar> b, matrix_view<Scalar> y, Observer&& observer) const {
    const std::array<linear::projection<Scalar>, 2> in{{{&w.gate, w.gate_bias, b.gate}, {&w.up, w.up_bias, b.up}}};
    projector.run(x, in);  // (n_row, d_model) -> 2 x (n_row, d_ffn)
    observer.gate(x, b.gate);
    observer.up(x, b.up);
    apply_gate<Scalar>(activation, ws, b.gate, b.up, b.hidden);  // (n_row, d_ffn)
    observer.hidden(b.hidden);
    const linear::projection<Scalar> out{&w.down, w.down_bias, y, linear::gemm_output::accumulate};
    projector.run(b.hidden, {&out, 1});  // (n_row, d_ffn) -> (n_row, d_model)
    observer.down(b.hidden, y);
  }

  /// See `trainable_ffn_kernel`.
  template <class Scalar, class Observer>
  void backward(const state<Scalar>&, const ffn_weights<Scalar>& w, backward_workspace<Scalar>& ws,
                ffn_record<Scalar> record, const ffn_gradients<Scalar>& g, matrix_view<Scalar> dy,
                matrix_view<Scalar> dx, Observer&& observer) const {
    using enum linear::projection_site;
    using const_rows = matrix_view<const Scalar>;
    const std::size_t n = dy.rows(), d_ffn = w.gate.rows;
    const auto dh = ws.matrix(0, n, d_ffn), du = ws.matrix(1, n, d_ffn), h = ws.matrix(2, n, d_ffn);  // (n_row, d_ffn)
    const auto again = [&] { apply_gate<Scalar>(activation, ws.tools(), record.gate, record.up, h); };
    if (g.down != nullptr || observer.touches(down) || observer.reads_hidden()) {
      again();
      observer.hidden(h);
    }
    const auto back = [&](linear::projection_site site, linear::layer_backward<Scalar> layer, const_rows in,
                          matrix_view<Scalar> d_out, matrix_view<Scalar> d_in, linear::gemm_output output) {
      linear::project_backward<Scalar>(ws.multiply(), layer, in, d_out, d_in, output, observer.touches(site),
                                       [&] { observer.projected_backward(site, in, d_out, d_in); });
    };
    using linear::gemm_output;
    back(down, {w.down, g.down, g.down_bias}, h, dy, dh, gemm_output::overwrite);
    if (observer.reads_hidden()) again();
    observer.hidden_backward(const_rows(h), dh);
    gate_backward<Scalar>(activation, ws.tools(), record.gate, record.up, dh, du, {});  // dh becomes that of the gate
    back(gate, {w.gate, g.gate, g.gate_bias}, record.x, dh, dx, gemm_output::overwrite);
    back(up, {w.up, g.up, g.up_bias}, record.x, du, dx, gemm_output::accumulate);
  }
};

static_assert(trainable_ffn_kernel<dense<activation::silu>>);

}  // namespace quipu::ffn

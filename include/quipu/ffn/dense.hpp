/// @file The FFN kernel role and the dense gated FFN.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::ffn {

/// The FFN weights of one decoder block as the model holds them.
template <class Scalar>
struct ffn_weights {
  linear::stored_matrix gate;  ///< (d_ffn, d_model)
  linear::stored_matrix up;    ///< (d_ffn, d_model)
  linear::stored_matrix down;  ///< (d_model, d_ffn)
  const Scalar* gate_bias = nullptr;  ///< (d_ffn) or null
  const Scalar* up_bias = nullptr;    ///< (d_ffn) or null
  const Scalar* down_bias = nullptr;  ///< (d_model) or null
};

/// Where an FFN kernel keeps its intermediate values: the recorder's matrices in training, scratch else.
template <class Scalar>
struct ffn_buffers {
  matrix_view<Scalar> gate;    ///< (n_row, d_ffn) before the activation
  matrix_view<Scalar> up;      ///< (n_row, d_ffn)
  matrix_view<Scalar> hidden;  ///< (n_row, d_ffn) f(gate) * up
};

/// hidden = f(gate) * up row by row, with the vector loop of the activation where it has one.
template <class Scalar, class Activation>
void apply_gate(const Activation& f, const linear::workspace& ws, matrix_view<const Scalar> gate,
                matrix_view<const Scalar> up, matrix_view<Scalar> hidden) {
  const linear::row_kernel_table<Scalar>& rows = linear::row_kernels_for<Scalar>(ws.kernels().set);
  ws.team().parallel_for(gate.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t t = begin; t < end; ++t) {
      const Scalar *g = gate.row(t), *u = up.row(t);
      Scalar* out = hidden.row(t);
      const std::size_t n = gate.cols();
      if constexpr (requires { Activation::form; }) {
        if constexpr (Activation::form == activation::vector_form::silu) {
          rows.gate_silu(g, u, n, out);
          continue;
        } else if constexpr (Activation::form == activation::vector_form::gelu_tanh) {
          rows.gate_gelu_tanh(g, u, n, out);
          continue;
        } else if constexpr (Activation::form == activation::vector_form::threshold) {
          rows.gate_threshold(g, u, static_cast<Scalar>(f.threshold_value()), n, out);
          continue;
        }
      }
      for (std::size_t i = 0; i < n; ++i) out[i] = f(g[i]) * u[i];
    }
  });
}

/// Dense gated FFN: y += W_down (f(W_gate x) * (W_up x)).  Source: Shazeer 2020, eq. (6), with the
/// activation as a policy. The reference that every sparse kernel is measured against.
///
/// @tparam Activation  models `activation_policy`
template <class Activation>
struct dense {
  static_assert((activation::explain<Activation>(), true));
  using activation_type = Activation;
  static constexpr bool trainable = true;

  Activation activation{};

  /// Nothing depends on the weights.
  template <class Scalar>
  struct state {
    state() = default;
    state(const dense&, const ffn_weights<Scalar>&) {}
  };

  /// @param x  (n_row, d_model) normalised input
  /// @param hook  called as hook(site, in, out) after each projection; see `llama::projection_site`
  /// @param y  (n_row, d_model) residual stream, accumulated into
  template <class Scalar, class Hook>
  void forward(const state<Scalar>&, const ffn_weights<Scalar>& w, linear::workspace& ws,
               linear::projector<Scalar>& projector, std::type_identity_t<matrix_view<const Scalar>> x,
               ffn_buffers<Scalar> b, matrix_view<Scalar> y, Hook&& hook) const {
    const std::array<linear::projection<Scalar>, 2> in{{{&w.gate, w.gate_bias, b.gate}, {&w.up, w.up_bias, b.up}}};
    projector.run(x, in);
    hook.gate(x, b.gate);
    hook.up(x, b.up);
    apply_gate<Scalar>(activation, ws, b.gate, b.up, b.hidden);
    hook.hidden(b.hidden);
    const linear::projection<Scalar> out{&w.down, w.down_bias, y, linear::gemm_output::accumulate};
    projector.run(b.hidden, {&out, 1});
    hook.down(b.hidden, y);
  }
};

/// An observer of an FFN that does nothing: the archetype of `Hook`.
struct no_hook {
  template <class In, class Out>
  void gate(const In&, const Out&) const noexcept {}
  template <class In, class Out>
  void up(const In&, const Out&) const noexcept {}
  template <class Hidden>
  void hidden(const Hidden&) const noexcept {}
  template <class In, class Out>
  void down(const In&, const Out&) const noexcept {}
};

template <class K>
concept has_activation = requires { typename K::activation_type; };
template <class K>
concept has_state = requires(const K& k, const ffn_weights<float>& w) { typename K::template state<float>; };
template <class K>
concept has_forward = requires(const K& k, const typename K::template state<float>& s, const ffn_weights<float>& w,
                               linear::workspace& ws, linear::projector<float>& p, matrix_view<const float> x,
                               ffn_buffers<float> b, matrix_view<float> y, no_hook hook) {
  k.forward(s, w, ws, p, x, b, y, hook);
};

/// Role `ffn_kernel`: a value that computes the FFN of a block.
template <class K>
concept ffn_kernel = std::copyable<K> && has_activation<K> && has_state<K> && has_forward<K>;

/// Says in one sentence what a type lacks to be an FFN kernel.
template <class K>
consteval void explain() {
  if constexpr (!std::copyable<K>) {
    static_assert(std::copyable<K>, "ffn_kernel: the policy must be copyable");
  } else if constexpr (!has_activation<K>) {
    static_assert(has_activation<K>, "ffn_kernel: declare 'using activation_type'");
  } else if constexpr (!has_state<K>) {
    static_assert(has_state<K>, "ffn_kernel: declare 'template <class Scalar> struct state'");
  } else {
    static_assert(has_forward<K>,
                  "ffn_kernel: declare 'forward(state, weights, workspace, projector, x, buffers, y, hook) const'");
  }
}

static_assert(ffn_kernel<dense<activation::silu>>);

}  // namespace quipu::ffn

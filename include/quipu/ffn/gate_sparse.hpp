/// @file The FFN that reads all of the gate, and of up and down the rows of active neurons alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// Gate-first FFN: the whole gate, then up and transposed down rows of the neurons that it leaves active. It skips exactly what
/// adds nothing. Source: Song et al. 2024, "ProSparse", section 3.4, steps 1 to 3.
///
/// Exact means with respect to the numbers that the forms hold; see `sparse_forms` for what that is of which file. Rows of
/// prompts are products of all neurons with the same numbers.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct gate_sparse {
  static_assert((activation::explain<Activation>(), true));
  static_assert(activation::thresholded_activation<Activation>,
                "gate_sparse: the activation has no gates that it makes 0 (declare 'threshold_value()'); for SiLU and GELU use ffn::dense");
  using policy_role = role::ffn;
  using activation_type = Activation;
  template <class Other>
  using with_activation = gate_sparse<Other>;
  template <class Scalar>
  using state = sparse_state<Scalar>;
  static constexpr double pays_below = 0.6;  ///< share of active neurons, see `per_layer`

  Activation activation{};
  ffn::thresholds thresholds{};
  sparse_options options{};

  gate_sparse() = default;
  gate_sparse(Activation f, ffn::thresholds t = {}, sparse_options o = {})
      : activation(std::move(f)), thresholds(std::move(t)), options(o) {}
  gate_sparse(ffn::thresholds t, sparse_options o = {}) : thresholds(std::move(t)), options(o) {}

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    project_gate<Scalar>(s, w, ws, projector, x, b.gate);  // (n_row, d_model) -> (n_row, d_ffn)
    observer.gate(x, b.gate);
    const sparse_call<Scalar> call(s, w, ws, projector);
    call.run_rows(activation, x, b, y, observer, [&](active_neurons& active, std::size_t first, std::size_t n) {
      for (std::size_t t = 0; t < n; ++t) active.list(t, b.gate.row(first + t), s.limits);
    });
  }
};

}  // namespace quipu::ffn

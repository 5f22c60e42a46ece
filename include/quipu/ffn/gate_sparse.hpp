/// @file The FFN that reads all of the gate, and of up and down the rows of active neurons alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <type_traits>

#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// Gate-first FFN: the whole gate, then up and transposed down rows of the neurons that it leaves active. It skips exactly what
/// adds nothing. Source: Song et al. 2024, "ProSparse", section 3.4, steps 1 to 3.
///
/// Exact means with respect to the numbers that the forms hold; see `sparse_state` for what that is of which file. Rows of
/// prompts are products of all neurons with the same numbers.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct gate_sparse : sparse_policy<Activation> {
  using sparse_policy<Activation>::sparse_policy;
  template <class Other>
  using with_activation = gate_sparse<Other>;
  template <class Scalar>
  using state = sparse_state<Scalar>;
  static constexpr double pays_below = 0.6;  ///< share of active neurons, see `per_layer`

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    sparse_call<Scalar>(s, w, ws, projector)
        .run(this->activation, x, b, y, observer,
             [&](active_neurons& active, std::size_t t, const Scalar* gate) { active.list(t, gate, s.limits); });
  }
};

}  // namespace quipu::ffn

/// @file The dense FFN over the forms that sparse kernels hold.
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

/// What `gate_sparse` computes, with the same numbers and the same sums, but all rows of up and down are read: what skipping is
/// measured against, and the kernel of a layer in which most neurons are active but others of the model are sparse.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct row_dense : sparse_policy<Activation> {
  using sparse_policy<Activation>::sparse_policy;
  template <class Other>
  using with_activation = row_dense<Other>;
  template <class Scalar>
  using state = sparse_state<Scalar>;

  /// See `gate_sparse::forward`.
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    sparse_call<Scalar>(s, w, ws, projector)
        .run(this->activation, x, b, y, observer,
             [&](active_neurons& active, std::size_t t, const Scalar* gate) { active.list_all(t, gate, s.limits); });
  }
};

}  // namespace quipu::ffn

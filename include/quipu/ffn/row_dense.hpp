/// @file The dense FFN over the forms that sparse kernels hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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

/// What `gate_sparse` computes, with the same numbers and the same sums, but all rows of up and down are read: what skipping is
/// measured against, and the kernel of a layer in which most neurons are active but others of the model are sparse.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct row_dense {
  static_assert((activation::explain<Activation>(), true));
  static_assert(activation::thresholded_activation<Activation>,
                "row_dense: the activation has no gates that it makes 0 (declare 'threshold_value()'); for SiLU and GELU use ffn::dense");
  using policy_role = role::ffn;
  using activation_type = Activation;
  template <class Other>
  using with_activation = row_dense<Other>;
  template <class Scalar>
  using state = sparse_state<Scalar>;

  Activation activation{};
  ffn::thresholds thresholds{};
  sparse_options options{};

  row_dense() = default;
  row_dense(Activation f, ffn::thresholds t = {}, sparse_options o = {})
      : activation(std::move(f)), thresholds(std::move(t)), options(o) {}
  row_dense(ffn::thresholds t, sparse_options o = {}) : thresholds(std::move(t)), options(o) {}

  /// See `gate_sparse::forward`.
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    project_gate<Scalar>(s, w, ws, projector, x, b.gate);  // (n_row, d_model) -> (n_row, d_ffn)
    observer.gate(x, b.gate);
    const sparse_call<Scalar> call(s, w, ws, projector);
    call.run_rows(activation, x, b, y, observer, [&](active_neurons& active, std::size_t first, std::size_t n) {
      for (std::size_t t = 0; t < n; ++t) active.list_all(t, b.gate.row(first + t), s.limits);
    });
  }
};

}  // namespace quipu::ffn

/// @file The FFN of SiLU and GELU models that leaves out neurons whose values are small, on two levels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/threshold_call.hpp>
#include <quipu/ffn/threshold_state.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// Lossy sparsity without training, on two levels: what is small under the first criterion is left out before its rows of the second
/// matrix and of down are read, what is small under the criterion on hidden before its row of down is.
///
///     with_ffn<threshold_sparse<silu, weighted_gate, hidden_size>>(model, levels)      light on the gate, heavy on the product
///     with_ffn<threshold_sparse<silu, every_neuron, hidden_size>>(model, levels)       down alone is spared
///     with_ffn<threshold_sparse<silu, up_size, every_neuron>>(model, levels)           up first: spares the gate's rows
///
/// Prompts are products of all neurons under the same limits. Rows are the forms that sparse kernels share (see `sparse_state`).
/// Observers of a kernel that goes by up see all of the gate and of up, since up decides; what they make of the hidden of a neuron
/// that the second criterion left out counts.
///
/// @tparam Activation  models `activation_policy`; of a ReLU, `gate_sparse` skips without loss
/// @tparam First       models `sparse_criterion`, on gate or up, or `every_neuron`
/// @tparam Second      models `sparse_criterion`, on hidden, or `every_neuron`
template <class Activation, class First = weighted_gate, class Second = hidden_size>
struct threshold_sparse {
  static_assert((activation::explain<Activation>(), true));
  static_assert(!activation::tagged_activation<Activation>, "threshold_sparse: name the activation; as_stated finds it too late");
  static_assert((explain_criterion<First>(), explain_criterion<Second>(), true));
  static_assert(First::value != criterion_value::hidden, "threshold_sparse: the first criterion must be on gate or up, or every_neuron");
  static_assert(Second::value == criterion_value::hidden || Second::value == criterion_value::none,
                "threshold_sparse: the second criterion must be on hidden, or every_neuron");
  using policy_role = role::ffn;
  using activation_type = Activation;
  using first_criterion = First;
  using second_criterion = Second;
  template <class Other>
  using with_activation = threshold_sparse<Other, First, Second>;
  template <class Scalar>
  using state = threshold_state<Scalar>;

  Activation activation{};
  sparse_levels levels{};
  sparse_options options{};
  First first{};
  Second second{};

  threshold_sparse() = default;
  threshold_sparse(Activation f, sparse_levels l = {}, sparse_options o = {}) : activation(std::move(f)), levels(std::move(l)), options(o) {}
  threshold_sparse(sparse_levels l, sparse_options o = {}) : levels(std::move(l)), options(o) {}

  /// What decides is multiplied by as it is stored; the other matrices lie in forms of the kernel's own, see `kernel_with_own_forms`.
  [[nodiscard]] bool multiplies(linear::projection_site site, tensor_type type) const noexcept {
    if (First::value == criterion_value::none) return site != linear::projection_site::down;
    if (First::value == criterion_value::up) return site == linear::projection_site::up;
    return site == linear::projection_site::gate && !options.has_integer_gate(type);
  }
  /// See `kernel_that_counts_forms`.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const noexcept {
    return First::value == criterion_value::up ? linear::neuron_row_bytes(w.gate, w.down) : sparse_form_bytes(w, options);
  }

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    const threshold_call<Activation, First::value, Second::value != criterion_value::none> call{activation, s, w, ws, projector, x, b, y};
    call.run(observer);
  }
};

}  // namespace quipu::ffn

/// @file The FFN that reads half of the gate, and the rest only of neurons that this does not prove inactive.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/planes_product.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// What the certified kernel holds: the gate in two planes of four bits.
template <class Scalar>
struct certified_state : sparse_state<Scalar> {
  std::shared_ptr<const linear::gate_planes> planes;
  linear::gate_certificate certificate;

  /// @throws config_error  as `sparse_state`; a delta that is not between 0 and 1; planes of other weights
  template <class Kernel>
  certified_state(const Kernel& kernel, const ffn_weights<Scalar>& w, const place& at) : certificate(kernel.delta) {
    this->limits = layer_limits(kernel.activation, kernel.thresholds, at);
    this->bits = kernel.options.bits;
    this->hold_rows(w, at);
    this->hold_gate(w, at, kernel.options.dither_seed, kernel.planes.get());
    planes = this->counted(this->gate->has_planes(), [&] { return this->gate->planes(at.team); });
  }
};

/// Gate-first FFN that streams the upper four bits of an 8-bit gate and skips a neuron if an error bound proves that its gate is
/// below its threshold; of the others it reads the lower four and has the exact whole number. Bit-equal to `gate_sparse` with
/// `gate_form::integer`, but for a miss with a probability of at most `delta` for each neuron and token, over the choice of the
/// dither. The dither makes the error of the upper plane a sum of independent bounded terms, whatever the weights; the bound is
/// Chernoff's for sub-Gaussian sums.
///
/// Where an observer looks at the gate, or several tokens share it, the whole gate is worked out.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct certified_sparse : sparse_policy<Activation> {
  template <class Other>
  using with_activation = certified_sparse<Other>;
  template <class Scalar>
  using state = certified_state<Scalar>;
  static constexpr double pays_below = 0.25;  ///< share of active neurons, see `per_layer`

  double delta = 1e-12;  ///< probability of missing an active neuron, for each decision
  std::shared_ptr<const plane_data> planes = {};  ///< made before, see `read_planes`; null: made from the weights

  certified_sparse() = default;
  certified_sparse(Activation f, ffn::thresholds t = {}, double miss = 1e-12, sparse_options o = {})
      : sparse_policy<Activation>(std::move(f), std::move(t), o), delta(miss) {}
  certified_sparse(ffn::thresholds t, double miss = 1e-12, sparse_options o = {})
      : sparse_policy<Activation>(std::move(t), o), delta(miss) {}

  /// None of the stored matrices: the gate is always in whole numbers.
  [[nodiscard]] bool multiplies(linear::projection_site, tensor_type) const noexcept { return false; }
  /// See `kernel_that_counts_forms`.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const noexcept {
    return linear::neuron_row_bytes(w.up, w.down) + linear::gate_planes::bytes_of({w.gate.rows, w.gate.cols});
  }

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    const sparse_call<Scalar> call(s, w, ws, projector);
    auto& listed = ws.kept<linear::listed_gates>();
    const auto& rounded = ws.kept<linear::integer_row_buffer>().round(ws, x, s.bits, s.planes->dither.span());
    if (idle_observer<Observer> && x.rows() == 1 && projector.n_decode_row() > 0) {
      estimate(ws, *s.planes, rounded, limits_of(s, w), s.certificate, listed);
      finish(ws, *s.planes, rounded, listed);
      call.run_rows(this->activation, x, b, y, observer, [&](active_neurons& active, std::size_t, std::size_t) {
        active.list(0, listed.ids(), listed.values().data(), w.gate_bias, s.limits);
      });
      return;
    }
    linear::multiply(ws, *s.planes, rounded, listed, b.gate);  // (n_row, d_model) -> (n_row, d_ffn)
    add_bias(w.gate_bias, b.gate);
    call.run_after_gate(this->activation, x, b, y, observer,
                        [&](active_neurons& active, std::size_t t, const Scalar* gate) { active.list(t, gate, s.limits); });
  }

 private:
  template <class Scalar>
  [[nodiscard]] static linear::gate_thresholds limits_of(const state<Scalar>& s, const ffn_weights<Scalar>& w) noexcept {
    linear::gate_thresholds limits;
    limits.values = s.limits.own.empty() ? std::span<const float>(&s.limits.all, 1) : std::span<const float>(s.limits.own);
    if (w.gate_bias != nullptr) limits.bias = {w.gate_bias, w.gate.rows};
    return limits;
  }
};

}  // namespace quipu::ffn

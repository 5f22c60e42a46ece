/// @file The FFN that reads rows of predicted neurons alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/predictor.hpp>
#include <quipu/ffn/predictors.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/neuron_products.hpp>
#include <quipu/linear/neuron_rows.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// What the kernel holds: the forms of sparse kernels, rows of the gate, and the layer's predictor.
template <class Scalar, class PredictorState>
struct predicted_state : sparse_state<Scalar> {
  std::shared_ptr<const linear::neuron_rows> gate_rows;
  PredictorState predictor;

  /// @throws config_error  as `sparse_state`; a predictor of other weights or shapes
  template <class Kernel>
  predicted_state(const Kernel& kernel, const ffn_weights<Scalar>& w, const place& at) : predictor(kernel.predictor, w, at) {
    this->limits = layer_limits(kernel.activation, kernel.thresholds, at);
    this->hold_rows(w, at);
    gate_rows = this->hold_gate_rows(w, at);
  }
};

/// Predictor first, then the gate of predicted neurons, then up and down of those among them whose gate fired. What the predictor
/// misses is lost. Source: Song et al. 2023, "PowerInfer", section 5, which reads up as well for all predicted neurons.
///
/// Prompts and passes that somebody observes work the gate out whole and leave out the same neurons, so that a row's numbers do not
/// depend on how it is read.
///
/// @tparam Predictor   models `neuron_predictor`
/// @tparam Activation  models `thresholded_activation`
template <class Predictor, class Activation = activation::relu>
struct predicted_sparse : sparse_policy<Activation> {
  static_assert((explain_predictor<Predictor>(), true));
  template <class Other>
  using with_activation = predicted_sparse<Predictor, Other>;
  template <class Scalar>
  using state = predicted_state<Scalar, typename Predictor::state>;

  Predictor predictor{};

  predicted_sparse() = default;
  predicted_sparse(Predictor p, Activation f = {}, ffn::thresholds t = {}) : sparse_policy<Activation>(std::move(f), std::move(t)), predictor(std::move(p)) {}

  /// None of the stored matrices: rows of all three are forms of its own.
  [[nodiscard]] bool multiplies(linear::projection_site, tensor_type) const noexcept { return false; }
  /// See `kernel_that_counts_forms`. What the predictor holds is not in it.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const noexcept {
    return linear::neuron_row_bytes(w.up, w.down) + linear::neuron_row_bytes(w.gate, {}, {.without_down = true});
  }

  /// @param x  (n_row, d_model) normalised input
  /// @param y  (n_row, d_model) residual stream, added to
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y, Observer&& observer) const {
    if (idle_observer<Observer> && projector.n_decode_row() >= x.rows()) {
      return for_each_block(x.rows(), [&](std::size_t first, std::size_t n) {
        decode(s, w, ws, x.middle_rows(first, n), y.middle_rows(first, n));
      });
    }
    whole_gate(s, w, ws, std::min(projector.n_decode_row(), x.rows()), x, b.gate);
    observer.gate(x, b.gate);
    auto& ids = ws.kept<scratch>().ids;
    ids.resize(std::max<std::size_t>(ids.size(), 1));
    for (std::size_t t = 0; t < x.rows(); ++t) {
      predictor.predict(s.predictor, ws, x.row(t), ids[0]);
      std::size_t next = 0;
      for (std::size_t i = 0; i < b.gate.cols(); ++i) {
        const bool predicted = next < ids[0].size() && ids[0][next] == i;
        next += predicted;
        if (!predicted) b.gate(t, i) = 0;  // which no neuron is active at
      }
    }
    sparse_call<Scalar>(s, w, ws, projector).run_rows(this->activation, x, b, y, observer, [&](active_neurons& active, std::size_t first, std::size_t n) {
      for (std::size_t t = 0; t < n; ++t) active.list(t, std::as_const(b.gate).row(first + t), s.limits);
    });
  }

 private:
  struct scratch {
    std::vector<std::vector<std::uint32_t>> ids;  // of the rows of a block
    std::vector<std::vector<float>> gates;
  };

  template <class Scalar>
  void decode(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, matrix_view<const Scalar> x, matrix_view<Scalar> y) const {
    auto& own = ws.kept<scratch>();
    own.ids.resize(active_neurons::most_rows);
    own.gates.resize(active_neurons::most_rows);
    const auto& kernels = linear::neuron_kernels_for<float>(ws.kernels().set);
    for (std::size_t t = 0; t < x.rows(); ++t) {
      const auto& ids = own.ids[t];
      auto& gates = own.gates[t];
      predictor.predict(s.predictor, ws, x.row(t), own.ids[t]);
      gates.resize(ids.size());
      constexpr std::size_t at_once = 64;
      ws.team().parallel_for((ids.size() + at_once - 1) / at_once, 1, [&](std::size_t begin, std::size_t end, std::size_t) {
        const std::size_t first = begin * at_once, n = std::min(end * at_once, ids.size()) - first;
        kernels.dot(s.gate_rows->up(), ids.data() + first, n, x.row(t), gates.data() + first);
      });
    }
    active_neurons active(ws, *s.rows, x.rows());
    for (std::size_t t = 0; t < x.rows(); ++t) active.list(t, own.ids[t], own.gates[t].data(), w.gate_bias, s.limits);
    active.run(this->activation, x, w.up_bias, w.down_bias, y);
  }
  template <class Scalar>
  static void whole_gate(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, std::size_t n_decode, matrix_view<const Scalar> x,
                         matrix_view<Scalar> gate) {
    for (std::size_t t = 0; t < n_decode; ++t) detail::multiply_all(ws, s.gate_rows->up(), x.row(t), gate.row(t));
    const std::size_t n = x.rows() - n_decode;
    if (n > 0) ws.kept<linear::neuron_products<Scalar>>().run(ws, x.middle_rows(n_decode, n), s.gate_rows->up(), gate.middle_rows(n_decode, n));
    add_bias(w.gate_bias, gate);
  }
};

}  // namespace quipu::ffn

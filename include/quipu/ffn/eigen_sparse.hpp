/// @file The sparse FFN in plain Eigen: the oracle of the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// The numbers that `sparse_state` holds, widened: 12 bytes for each weight of a matrix.
template <class Scalar>
struct eigen_state : sparse_state<Scalar> {
  eigen_matrix<Scalar> gate_values, up_values, down_values;  ///< (d_ffn, d_model) each

  /// @throws config_error  as `sparse_state`
  template <class Kernel>
  eigen_state(const Kernel& kernel, const ffn_weights<Scalar>& w, const place& at) : sparse_state<Scalar>(kernel, w, at) {
    const auto n = static_cast<Eigen::Index>(w.gate.rows), d = static_cast<Eigen::Index>(w.gate.cols);
    gate_values.resize(n, d);
    up_values.resize(n, d);
    down_values.resize(n, d);
    const auto widen = linear::neuron_kernels_for<Scalar>(instruction_set::portable).widen;
    widen(this->rows->up(), 0, w.gate.rows, 0, w.gate.cols, up_values.data(), w.gate.cols);
    widen(this->rows->down(), 0, w.gate.rows, 0, w.gate.cols, down_values.data(), w.gate.cols);
    for (std::size_t i = 0; i < w.gate.rows; ++i) {
      Scalar* const row = gate_values.data() + i * w.gate.cols;
      if (this->bytes == nullptr) {
        io::dequantise_row(w.gate.type, w.gate.row(i), row, w.gate.cols);
      } else {
        integer_row(i, row);
      }
    }
  }

 private:
  void integer_row(std::size_t neuron, Scalar* out) const {
    const std::size_t n_group = this->bytes->form().n_group;
    std::vector<std::int8_t> q(n_group * linear::integer_group);
    std::vector<std::uint8_t> multiplier(n_group);
    linear::integer_weights weights{q, multiplier};
    this->bytes->read(neuron, weights);
    for (std::size_t k = 0; k < this->bytes->n_col; ++k)
      out[k] = weights.scale * static_cast<Scalar>(multiplier[k / linear::integer_group] * q[k]);
  }
};

/// Gate-first FFN as an equation: for each row all of the gate, then the sum over active neurons. Decoded rows and prompts alike;
/// slow and large, and right by inspection.
///
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct eigen_sparse : sparse_policy<Activation> {
  using sparse_policy<Activation>::sparse_policy;
  template <class Other>
  using with_activation = eigen_sparse<Other>;
  template <class Scalar>
  using state = eigen_state<Scalar>;

  /// See `kernel_that_counts_forms`.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const noexcept {
    return sparse_form_bytes(w, this->options) + 3 * w.gate.rows * w.gate.cols * sizeof(float);
  }

  /// See `gate_sparse::forward`.
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>&,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    const auto n = static_cast<Eigen::Index>(x.rows());
    auto gate = as_eigen(b.gate), up = as_eigen(b.up), hidden = as_eigen(b.hidden), out = as_eigen(y);
    const auto in = as_eigen(x);
    gate.noalias() = gate_input(s, ws, x) * s.gate_values.transpose();  // (n_row, d_ffn)
    add_bias(w.gate_bias, b.gate);
    observer.gate(x, b.gate);
    up.setZero();
    for_each_active(s, gate, [&](Eigen::Index t, Eigen::Index i) {
      up(t, i) = s.up_values.row(i).dot(in.row(t)) + (w.up_bias != nullptr ? w.up_bias[i] : Scalar(0));
    });
    observer.up(x, b.up);
    hidden.setZero();
    for_each_active(s, gate, [&](Eigen::Index t, Eigen::Index i) {
      hidden(t, i) = this->activation(gate(t, i)) * activation::up_of(this->activation, up(t, i));
    });
    observer.hidden(b.hidden);
    eigen_matrix<Scalar> sum = eigen_matrix<Scalar>::Zero(n, out.cols());
    for_each_active(s, gate, [&](Eigen::Index t, Eigen::Index i) { sum.row(t) += hidden(t, i) * s.down_values.row(i); });
    out += sum;
    add_bias(w.down_bias, y);
    observer.down(b.hidden, y);
  }

 private:
  // x itself, or the numbers that an integer gate meets.
  template <class Scalar>
  static eigen_matrix<Scalar> gate_input(const state<Scalar>& s, linear::workspace& ws, matrix_view<const Scalar> x) {
    eigen_matrix<Scalar> in = as_eigen(x);
    if (s.bytes == nullptr) return in;
    const linear::integer_rows& rounded = ws.template kept<linear::integer_row_buffer>().round(ws, x, s.bits);
    for (Eigen::Index t = 0; t < in.rows(); ++t) {
      const linear::integer_rows row = rounded.from_row(static_cast<std::size_t>(t));
      for (Eigen::Index k = 0; k < in.cols(); ++k) in(t, k) = *row.scale * static_cast<Scalar>(whole(row, static_cast<std::size_t>(k)));
    }
    return in;
  }
  static int whole(const linear::integer_rows& row, std::size_t k) noexcept {
    return row.bits == linear::activation_bits::eight ? row.high[k] : row.high[k] * 256 + row.low[k];
  }
  template <class State, class Gate, class F>
  static void for_each_active(const State& s, const Gate& gate, F&& f) {
    for (Eigen::Index t = 0; t < gate.rows(); ++t) {
      for (Eigen::Index i = 0; i < gate.cols(); ++i) {
        if (!s.limits.skips(static_cast<std::size_t>(i), gate(t, i))) f(t, i);
      }
    }
  }
};

}  // namespace quipu::ffn

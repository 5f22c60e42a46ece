// A user's own FFN kernel: reads the rows of active neurons alone, by a threshold for each layer.
#pragma once

#include <quipu/ffn/kernel.hpp>
#include <quipu/linear/listed_rows.hpp>

#include <vector>

namespace extend {

struct row_skipping {
  using policy_role = quipu::role::ffn;
  using activation_type = quipu::activation::fat_relu;
  activation_type activation{};
  std::vector<double> thresholds;  ///< one a layer; empty: the activation's everywhere

  /// A copy of down in which what a neuron adds to the output lies together.
  template <class Scalar>
  struct state {
    Scalar threshold;
    std::vector<Scalar> values;           // (d_ffn, d_model)
    quipu::linear::stored_matrix down_t;  // the same as a matrix

    state(const row_skipping& kernel, const quipu::ffn::ffn_weights<Scalar>& w, const quipu::ffn::place& at) {
      if (!kernel.thresholds.empty() && kernel.thresholds.size() != at.config.n_layer) {
        quipu::fail<quipu::config_error>("row_skipping: thresholds", at.config.n_layer, kernel.thresholds.size());
      }
      threshold = static_cast<Scalar>(kernel.thresholds.empty() ? kernel.activation.threshold
                                                                : kernel.thresholds[at.layer]);
      const std::size_t d_model = w.down.rows, d_ffn = w.down.cols;
      std::vector<Scalar> row(d_ffn);
      values.resize(d_ffn * d_model);
      for (std::size_t j = 0; j < d_model; ++j) {
        quipu::io::dequantise_row(w.down.type, w.down.row(j), row.data(), d_ffn);
        for (std::size_t i = 0; i < d_ffn; ++i) values[i * d_model + j] = row[i];
      }
      down_t = quipu::linear::store_plain(values.data(), d_ffn, d_model);
    }
    state(state&&) = default;  // values keep their address
  };

  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const quipu::ffn::ffn_weights<Scalar>& w, quipu::linear::workspace& ws,
               quipu::linear::projector<Scalar>& projector, std::type_identity_t<quipu::matrix_view<const Scalar>> x,
               quipu::ffn::ffn_buffers<Scalar> b, quipu::matrix_view<Scalar> y, Observer&& observer) const {
    const quipu::linear::projection<Scalar> gate{&w.gate, w.gate_bias, b.gate}, up{&w.up, w.up_bias, b.up};
    projector.run(x, {&gate, 1});
    observer.gate(x, b.gate);
    std::vector<std::vector<std::uint32_t>> active(x.rows(), std::vector<std::uint32_t>(w.gate.rows));
    for (std::size_t t = 0; t < x.rows(); ++t) {
      active[t].resize(quipu::linear::list_active(ws, b.gate.row(t), w.gate.rows, s.threshold, active[t].data()));
      std::fill_n(b.up.row(t), w.gate.rows, Scalar(0));
      std::fill_n(b.hidden.row(t), w.gate.rows, Scalar(0));
      projector.run_listed(x, t, up, active[t]);
    }
    observer.up(x, b.up);
    for (std::size_t t = 0; t < x.rows(); ++t) {
      for (const std::uint32_t i : active[t]) b.hidden(t, i) = b.gate(t, i) * b.up(t, i);
    }
    observer.hidden(b.hidden);
    std::vector<Scalar> listed(w.gate.rows);
    for (std::size_t t = 0; t < x.rows(); ++t) {
      for (std::size_t i = 0; i < active[t].size(); ++i) listed[i] = b.hidden(t, active[t][i]);
      for (std::size_t j = 0; w.down_bias != nullptr && j < y.cols(); ++j) y(t, j) += w.down_bias[j];
      quipu::linear::add_listed(ws, s.down_t, active[t], listed.data(), y.row(t));
    }
    observer.down(b.hidden, y);
  }
};

}  // namespace extend

/// @file The forms of an FFN's weights that sparse kernels hold, and the steps of a forward pass over them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/form_cache.hpp>
#include <quipu/ffn/gate.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/plane_data.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_product.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/neuron_products.hpp>
#include <quipu/linear/neuron_rows.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// The gate's numbers in a sparse kernel.
enum class gate_form : std::uint8_t {
  automatic,  ///< whole numbers if the file has 8 bits (Q8_0), else as the model stores them
  stored,     ///< as the model stores them: its own products
  integer,    ///< whole numbers under a scale a row and multipliers a group of columns, see `linear::integer_gate`
};

/// How the forms are made.
struct sparse_options {
  gate_form gate = gate_form::automatic;
  linear::activation_bits bits = linear::activation_bits::sixteen;  ///< of the input that meets an integer gate
  std::uint64_t dither_seed = 0x9e3779b97f4a7c15;                   ///< of the certified kernel's planes

  /// Whether a gate that is stored as `type` becomes whole numbers.
  [[nodiscard]] constexpr bool has_integer_gate(tensor_type type) const noexcept {
    return gate == gate_form::integer || (gate == gate_form::automatic && type == tensor_type::q8_0);
  }
};

/// Bytes of what `sparse_state` holds of weights: rows of up and down side by side, and perhaps the gate in whole numbers.
[[nodiscard]] inline std::size_t sparse_form_bytes(const ffn_weights<float>& w, const sparse_options& options) noexcept {
  const std::size_t gate = options.has_integer_gate(w.gate.type) ? linear::gate_bytes::bytes_of({w.gate.rows, w.gate.cols}) : 0;
  return linear::neuron_row_bytes(w.up, w.down) + gate;
}

/// What making the forms took here; zeros for what another kernel of the same weights had made already.
struct form_report {
  std::size_t n_byte = 0;
  double seconds = 0;
  double gate_error = 0;  ///< sqrt(sum (w - w')^2 / sum w^2) of the numbers held against the model's
  double up_error = 0;
  double down_error = 0;
};

/// Up rows beside transposed down rows, and perhaps the gate in whole numbers: what sparse kernels read of a layer. Kernels of the
/// same weights share them. Of plain types all numbers are the model's own; of Q8_0 and Q4_0 those of up are; a quantised down
/// matrix is rounded anew, to 8 bits along d_model, since its blocks lie across the neurons.
template <class Scalar>
struct sparse_state {
  static_assert(std::is_same_v<Scalar, float>, "sparse FFN kernels compute in float; use ffn::dense in double");

  layer_limits limits;
  std::shared_ptr<const linear::neuron_rows> rows;
  std::shared_ptr<const linear::integer_gate> gate;  ///< null: the stored gate
  std::shared_ptr<const linear::gate_bytes> bytes;   ///< of the gate; null: the stored gate
  linear::activation_bits bits = linear::activation_bits::sixteen;
  form_report report;

  /// @throws config_error  thresholds of another model; weights that are not finite, or whose inputs have limits; too little memory
  /// @throws cancelled     the place's progress said so
  template <class Kernel>
  sparse_state(const Kernel& kernel, const ffn_weights<Scalar>& w, const place& at)
      : limits(kernel.activation, kernel.thresholds, at), bits(kernel.options.bits) {
    hold_rows(w, at);
    if (!kernel.options.has_integer_gate(w.gate.type)) return;
    hold_gate(w, at, kernel.options.dither_seed);
    bytes = counted(gate->has_bytes(), [&] { return gate->bytes(at.team); });
  }

 protected:
  sparse_state() = default;

  /// Whose rows lie beside the transposed down rows.
  enum class beside_down : std::uint8_t { up, gate };

  void hold_rows(const ffn_weights<Scalar>& w, const place& at, beside_down which = beside_down::up) {
    for (const linear::stored_matrix* m : {&w.gate, &w.up, &w.down}) {
      if (m->limits != nullptr) fail<config_error>(concat("FFN of layer ", at.layer), "matrices that see all inputs", "limits of inputs, which sparse kernels would not heed");
    }
    rows = held<linear::neuron_rows>(at, static_cast<std::uint64_t>(which), [&] {
      const auto made = std::make_shared<const linear::neuron_rows>(which == beside_down::up ? w.up : w.gate, w.down, at.team,
                                                                    linear::neuron_row_options{.name = concat("FFN rows of layer ", at.layer)}, at.progress);
      report.n_byte += made->report().n_byte;
      report.seconds += made->report().seconds;
      return made;
    });
    report.up_error = rows->report().up_error;
    report.down_error = rows->report().down_error;
  }
  /// Rows of the gate alone.
  [[nodiscard]] std::shared_ptr<const linear::neuron_rows> hold_gate_rows(const ffn_weights<Scalar>& w, const place& at) {
    constexpr std::uint64_t alone = 2;
    return held<linear::neuron_rows>(at, alone, [&] {
      const auto made = std::make_shared<const linear::neuron_rows>(
          w.gate, linear::stored_matrix{}, at.team,
          linear::neuron_row_options{.without_down = true, .name = concat("gate rows of layer ", at.layer)}, at.progress);
      report.n_byte += made->report().n_byte;
      report.seconds += made->report().seconds;
      return made;
    });
  }
  /// @param planes  made before, in place of making them; null: none
  void hold_gate(const ffn_weights<Scalar>& w, const place& at, std::uint64_t seed, const plane_data* planes = nullptr) {
    if (planes != nullptr) planes->check(at, seed);
    gate = held<linear::integer_gate>(at, seed, [&] {
      linear::integer_gate_options o{.dither_seed = seed, .dither_stream = at.layer, .name = concat("gate of layer ", at.layer)};
      if (planes == nullptr || planes->layers[at.layer].planes == nullptr)
        return std::make_shared<const linear::integer_gate>(w.gate, std::move(o));
      const plane_layer& own = planes->layers[at.layer];
      return std::make_shared<const linear::integer_gate>(w.gate, own.planes, own.relative_error, std::move(o));
    });
  }

  // A form of the gate, which counts in the report unless it was there.
  template <class Make>
  auto counted(bool was_there, Make&& make) {
    const auto start = std::chrono::steady_clock::now();
    auto form = make();
    if (!was_there) {
      report.n_byte += form->n_byte();
      report.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    report.gate_error = gate->relative_error();
    return form;
  }

 private:
  template <class Form, class Make>
  static std::shared_ptr<const Form> held(const place& at, std::uint64_t variant, Make&& make) {
    return at.forms != nullptr ? at.forms->template get<Form>(at.layer, variant, make) : make();
  }
};

/// Adds a bias (n_col) to every row; null adds nothing.
template <class Scalar>
void add_bias(const Scalar* bias, matrix_view<Scalar> rows) noexcept {
  if (bias == nullptr) return;
  for (std::size_t t = 0; t < rows.rows(); ++t) {
    for (std::size_t i = 0; i < rows.cols(); ++i) rows(t, i) += bias[i];
  }
}

/// gate = x W_gate^T + bias with the numbers that a state holds.
/// @param x     (n_row, d_model)
/// @param gate  (n_row, d_ffn) out
template <class Scalar>
void project_gate(const sparse_state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
                  matrix_view<const Scalar> x, matrix_view<Scalar> gate) {
  if (s.bytes == nullptr) {
    const linear::projection<Scalar> product{&w.gate, w.gate_bias, gate};
    projector.run(x, {&product, 1});
    return;
  }
  linear::multiply(ws, *s.bytes, ws.kept<linear::integer_row_buffer>().round(ws, x, s.bits), gate);
  add_bias(w.gate_bias, gate);
}

/// What the policies of sparse kernels have in common.
/// @tparam Activation  models `thresholded_activation`
template <class Activation>
struct sparse_policy {
  static_assert((activation::explain<Activation>(), true));
  static_assert(activation::thresholded_activation<Activation>,
                "sparse FFN kernel: the activation has no gates that it makes 0 (declare 'threshold_value()'); for SiLU and GELU use "
                "ffn::dense");
  using policy_role = role::ffn;
  using activation_type = Activation;

  Activation activation{};
  ffn::thresholds thresholds{};
  sparse_options options{};

  sparse_policy() = default;
  sparse_policy(Activation f, ffn::thresholds t = {}, sparse_options o = {})
      : activation(std::move(f)), thresholds(std::move(t)), options(o) {}
  sparse_policy(ffn::thresholds t, sparse_options o = {}) : thresholds(std::move(t)), options(o) {}

  /// Of the stored matrices at most the gate is multiplied by, see `kernel_with_own_forms`.
  [[nodiscard]] bool multiplies(linear::projection_site site, tensor_type type) const noexcept {
    return site == linear::projection_site::gate && !options.has_integer_gate(type);
  }
  /// See `kernel_that_counts_forms`.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const noexcept { return sparse_form_bytes(w, options); }
};

/// One call of a sparse kernel.
template <class Scalar>
class sparse_call {
 public:
  sparse_call(const sparse_state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector)
      : s_(s), w_(w), ws_(ws), projector_(projector) {}

  /// The gate of all rows, and what follows.
  /// @param list  list(active, t, gate) lists the active neurons of row t of a block from its gate (d_ffn)
  template <class Activation, class Observer, class List>
  void run(const Activation& f, matrix_view<const Scalar> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y, Observer& observer,
           List&& list) const {
    project_gate<Scalar>(s_, w_, ws_, projector_, x, b.gate);  // (n_row, d_model) -> (n_row, d_ffn)
    run_after_gate(f, x, b, y, observer, list);
  }
  /// The same with a gate that is there already.
  template <class Activation, class Observer, class List>
  void run_after_gate(const Activation& f, matrix_view<const Scalar> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y, Observer& observer,
                      List&& list) const {
    observer.gate(x, b.gate);
    run_rows(f, x, b, y, observer, [&](active_neurons& active, std::size_t first, std::size_t n) {
      for (std::size_t t = 0; t < n; ++t) list(active, t, std::as_const(b.gate).row(first + t));
    });
  }

  /// All that follows the gate and its observer.
  /// @param list  list(active, first, n) lists the active neurons of decoded rows first .. first + n of the batch
  template <class Activation, class Observer, class List>
  void run_rows(const Activation& f, matrix_view<const Scalar> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y, Observer& observer,
                List&& list) const {
    const std::size_t n_decode = std::min(projector_.n_decode_row(), x.rows());
    if constexpr (idle_observer<Observer>) {
      for_each_block(n_decode, [&](std::size_t first, std::size_t n) {
        active_neurons active(ws_, *s_.rows, n);
        list(active, first, n);
        active.run(f, x.middle_rows(first, n), w_.up_bias, w_.down_bias, y.middle_rows(first, n));
      });
      if (n_decode < x.rows()) {
        prompt_up(x, n_decode, b);
        prompt_hidden(f, n_decode, b);
        prompt_down(n_decode, b, y);
      }
      return;
    }
    // Observers see a whole step at a time, so lists are made twice.
    for_each_block(n_decode, [&](std::size_t first, std::size_t n) {
      active_neurons active(ws_, *s_.rows, n);
      list(active, first, n);
      active.project_up(x.middle_rows(first, n), w_.up_bias);
      for (std::size_t t = 0; t < n; ++t) spread(active.ids(t), active.ups(t), b.up.row(first + t), b.up.cols());
    });
    prompt_up(x, n_decode, b);
    observer.up(x, b.up);
    for_each_block(n_decode, [&](std::size_t first, std::size_t n) {
      active_neurons active(ws_, *s_.rows, n);
      list(active, first, n);
      for (std::size_t t = 0; t < n; ++t) {
        Scalar* const value = active.values(t);
        const Scalar* const up = b.up.row(first + t);
        const auto ids = active.ids(t);
        for (std::size_t i = 0; i < ids.size(); ++i) value[i] = f(value[i]) * activation::up_of(f, up[ids[i]]);
        spread(ids, value, b.hidden.row(first + t), b.hidden.cols());
      }
    });
    prompt_hidden(f, n_decode, b);
    observer.hidden(b.hidden);
    for_each_block(n_decode, [&](std::size_t first, std::size_t n) {
      active_neurons active(ws_, *s_.rows, n);
      list(active, first, n);
      for (std::size_t t = 0; t < n; ++t) {
        const auto ids = active.ids(t);
        for (std::size_t i = 0; i < ids.size(); ++i) active.values(t)[i] = b.hidden(first + t, ids[i]);
      }
      active.add_down(w_.down_bias, y.middle_rows(first, n));
    });
    prompt_down(n_decode, b, y);
    observer.down(b.hidden, y);
  }

 private:
  void prompt_up(matrix_view<const Scalar> x, std::size_t first, ffn_buffers<Scalar> b) const {
    const std::size_t n = x.rows() - first;
    if (n == 0) return;
    const auto up = b.up.middle_rows(first, n);  // (n, d_ffn)
    products().run(ws_, x.middle_rows(first, n), s_.rows->up(), up);
    add_bias(w_.up_bias, up);
  }
  template <class Activation>
  void prompt_hidden(const Activation& f, std::size_t first, ffn_buffers<Scalar> b) const {
    const std::size_t n = b.gate.rows() - first;
    if (n == 0) return;
    const auto gate = b.gate.middle_rows(first, n), hidden = b.hidden.middle_rows(first, n);  // (n, d_ffn)
    apply_gate<Scalar>(f, ws_, gate, b.up.middle_rows(first, n), hidden);
    ws_.team().parallel_for(n, 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) {
        for (std::size_t i = 0; i < hidden.cols(); ++i) {
          if (s_.limits.skips(i, gate(t, i))) hidden(t, i) = 0;
        }
      }
    });
  }
  void prompt_down(std::size_t first, ffn_buffers<Scalar> b, matrix_view<Scalar> y) const {
    const std::size_t n = y.rows() - first;
    if (n == 0) return;
    const auto out = y.middle_rows(first, n);  // (n, d_model)
    products().add(ws_, b.hidden.middle_rows(first, n), s_.rows->down(), out);
    add_bias(w_.down_bias, out);
  }

  [[nodiscard]] linear::neuron_products<Scalar>& products() const { return ws_.template kept<linear::neuron_products<Scalar>>(); }

  const sparse_state<Scalar>& s_;
  const ffn_weights<Scalar>& w_;
  linear::workspace& ws_;
  linear::projector<Scalar>& projector_;
};

}  // namespace quipu::ffn

/// @file The role of an FFN kernel that trains: a backward pass beside the forward pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/linear/backward.hpp>  // multiplier
#include <quipu/linear/site.hpp>

namespace quipu::ffn {

/// What the forward pass of a block left on the tape for the backward pass of its FFN.
template <class Scalar>
struct ffn_record {
  matrix_view<const Scalar> x;     ///< (n_row, d_model) input; empty if neither weights nor observer want it
  matrix_view<const Scalar> gate;  ///< (n_row, d_ffn) as observers left it
  matrix_view<const Scalar> up;    ///< (n_row, d_ffn) as observers left it
};

/// Products and memory of a backward pass, kept from layer to layer.
template <class Scalar>
class backward_workspace {
 public:
  explicit backward_workspace(linear::multiplier<Scalar>& multiply) : multiply_(&multiply) {}

  [[nodiscard]] linear::multiplier<Scalar>& multiply() const noexcept { return *multiply_; }
  [[nodiscard]] linear::workspace& tools() const noexcept { return multiply_->tools(); }
  /// One of a few scratch matrices; its old content is lost.
  [[nodiscard]] matrix_view<Scalar> matrix(std::size_t i, std::size_t rows, std::size_t cols) {
    buffers_[i].reserve_discarding(rows * cols);
    return buffers_[i].matrix(rows, cols);
  }
  static constexpr std::size_t n_matrix = 4;

 private:
  linear::multiplier<Scalar>* multiply_;
  buffer<Scalar> buffers_[n_matrix];
};

/// An observer of a backward pass that does nothing: the archetype of `Observer`. Besides these it has the members of
/// `no_observer`, since `hidden` is recomputed.
struct no_backward_observer : no_observer {
  /// Whether `projected_backward` does anything at a site (gate, up or down).
  static constexpr bool touches(linear::projection_site) noexcept { return false; }
  /// Whether `hidden_backward` reads what the forward pass handed to `hidden`.
  static constexpr bool reads_hidden() noexcept { return false; }
  template <class In, class Out>
  void projected_backward(linear::projection_site, const In&, const Out&, const Out&) const noexcept {}
  template <class In, class Out>
  void hidden_backward(const In&, const Out&) const noexcept {}
};

/// Role `trainable_ffn_kernel`: an `ffn_kernel` whose `forward` writes all of its buffers and that has
///
///     backward(state, weights, workspace, record, gradients, dy, dx, observer) const
///
/// dy (n_row, d_model) is the gradient of what `forward` added to y, dx (n_row, d_model) is overwritten with that of
/// its input, gradients of weights are added to where `gradients` has places for them. For each projection it calls
/// `observer.projected_backward(site, input, dy of the output, dx of the input)` if `observer.touches(site)`, and
/// `observer.hidden_backward(hidden, dh)` between down and the gate.
template <class K>
concept trainable_ffn_kernel =
    ffn_kernel<K> && requires(const K& k, const typename K::template state<float>& s, const ffn_weights<float>& w,
                              backward_workspace<float>& ws, ffn_record<float> record, ffn_gradients<float> g,
                              matrix_view<float> rows, no_backward_observer observer) {
      k.backward(s, w, ws, record, g, rows, rows, observer);
    };

/// Says in one sentence what a type lacks to be an FFN kernel that trains.
template <class K>
consteval void explain_trainable() {
  if constexpr (!ffn_kernel<K>) {
    explain<K>();
  } else {
    static_assert(trainable_ffn_kernel<K>,
                  "trainable_ffn_kernel: the kernel is for inference only; train with_ffn(model, ffn::dense<...>{}), or "
                  "declare 'backward(state, weights, workspace, record, gradients, dy, dx, observer) const'");
  }
}

}  // namespace quipu::ffn

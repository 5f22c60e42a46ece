/// @file What a parameter-efficient module is, and how one is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/backward.hpp>  // multiplier
#include <quipu/linear/site.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::pet {

using linear::projection_site;

/// What a module's functions are told besides their rows.
template <class Scalar>
struct module_call {
  linear::multiplier<Scalar>& multiply;  ///< products, threads, kernels
  std::size_t layer = 0;
  std::size_t first_row = 0;      ///< of the rows at hand in the whole batch: names their random numbers
  bool training = false;          ///< dropout is on
  std::uint64_t step = 0;         ///< of the training run: names its random numbers
};

/// Learned keys and values before a sequence's own, see `llama::kv_prefix` for the order of a row.
template <class Scalar>
struct prefix_values {
  std::size_t n_row = 0;
  const Scalar* values = nullptr;
  Scalar* gradient = nullptr;
};

/// The module that does nothing: the base of every module, which hides what it needs.
///
/// How a module is written. A policy (`pet::lora`: rank, alpha, targets, ...) is a small value with a nested
/// template `module<Scalar>` that derives from `no_module`, is made by `(policy, model_config, seed)`, owns its
/// values and gradients, and lists them in `parameters()` under PEFT's names. Its functions work on any rows of a
/// batch, so that a batch may mix modules: they are called with the rows of one or more whole sequences, with
/// `call.first_row` telling where these lie. Forward functions are const and keep nothing: the backward twin gets
/// the same x again, and blocks may be computed twice. Random numbers are named by (seed, call.step, site, layer,
/// row), never drawn one after the other. A twin gets the gradient of what its forward function left, adds the
/// gradients of the module's parameters to `parameters()[i].gradient` where that is not null, turns dy into the
/// gradient of what the forward function found, and adds to dx what reaches x past the base's weights (dx is empty
/// where nobody needs it). `llama::module_hooks` puts a module into forward and backward passes.
struct no_module {
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  /// Whether the module was made for models of these sizes; every pass asks.
  static constexpr bool fits(const io::model_config&) noexcept { return true; }
  /// Lowest block that the module has parameters in; `none` where it has none.
  static constexpr std::size_t lowest_layer() noexcept { return none; }
  /// Whether o or down must be computed apart from the residual stream: for what is not only added to them.
  static constexpr bool separates(projection_site, std::size_t) noexcept { return false; }
  /// Whether `projected` and its twin do anything at a site.
  static constexpr bool touches(projection_site, std::size_t) noexcept { return false; }
  static constexpr bool touches_embedding() noexcept { return false; }
  static constexpr bool touches_hidden(std::size_t) noexcept { return false; }
  /// Rows before the tokens of every sequence that `embedded` fills (prompt tuning).
  static constexpr std::size_t n_virtual() noexcept { return 0; }

  template <class Scalar>
  prefix_values<Scalar> prefix() const noexcept {
    return {};
  }
  /// x (n_row, d_model): embeddings of one whole sequence, virtual rows first and zero.
  template <class Scalar>
  void embedded(const module_call<Scalar>&, matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void embedded_backward(const module_call<Scalar>&, matrix_view<Scalar>) noexcept {}
  /// y (n_row, d_out) = x W^T + bias, or the residual stream with it; x (n_row, d_in).
  template <class Scalar>
  void projected(const module_call<Scalar>&, projection_site, matrix_view<const Scalar>,
                 matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void projected_backward(const module_call<Scalar>&, projection_site, matrix_view<const Scalar>, matrix_view<Scalar>,
                          matrix_view<Scalar>) noexcept {}
  /// hidden (n_row, d_ffn), the input of down.
  template <class Scalar>
  void ffn_hidden(const module_call<Scalar>&, matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void ffn_hidden_backward(const module_call<Scalar>&, matrix_view<const Scalar>, matrix_view<Scalar>) noexcept {}
  /// Outputs (n_row, d_model) of attention and FFN where o and down are separated. The twin gets what the
  /// forward function found, and dy.
  template <class Scalar>
  void attention_output(const module_call<Scalar>&, matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void attention_output_backward(const module_call<Scalar>&, matrix_view<const Scalar>, matrix_view<Scalar>) noexcept {}
  template <class Scalar>
  void ffn_output(const module_call<Scalar>&, matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void ffn_output_backward(const module_call<Scalar>&, matrix_view<const Scalar>, matrix_view<Scalar>) noexcept {}
};

/// Role `pet_module`: see `no_module`.
template <class M>
concept pet_module = std::derived_from<M, no_module> && std::movable<M> && requires(M& m, const M& c) {
  typename M::scalar_type;
  { m.parameters() } -> std::convertible_to<std::span<const optim::parameter<typename M::scalar_type>>>;
  { c.lowest_layer() } -> std::convertible_to<std::size_t>;
  { c.fits(io::model_config{}) } -> std::same_as<bool>;
};

}  // namespace quipu::pet

/// @file What a parameter-efficient module is, and how one is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/backward.hpp>  // multiplier
#include <quipu/linear/site.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/key_hash.hpp>
#include <quipu/pet/kv_prefix.hpp>

namespace quipu::pet {

using linear::projection_site;

/// What a module's functions are told besides their rows.
template <class Scalar>
struct module_call {
  linear::multiplier<Scalar>& multiply;  ///< products, threads, kernels
  std::size_t layer = 0;
  std::size_t first_row = 0;  ///< of the rows at hand in the whole batch: names their random numbers
  bool training = false;      ///< dropout is on
  std::uint64_t step = 0;     ///< of the training run: names its random numbers
};

/// The module that does nothing: the base of every module, which hides what it needs.
///
/// How a module is written. A policy (`pet::lora`: rank, alpha, targets, ...) is a small value with a nested
/// template `module<Scalar>` that derives from `no_module`, is made by `(policy, model_config, seed)`, owns its
/// values and gradients, and lists them in `parameters()` under PEFT's names; `add_to_key(hash)` adds the settings
/// besides them that change what it computes. Its functions work on any rows of a
/// batch, so that a batch may mix modules: they are called with the rows of one or more whole sequences, with
/// `call.first_row` telling where these lie. Forward functions are const and keep nothing: the backward twin gets
/// the same x again, and blocks may be computed twice. Random numbers are named by (seed, call.step, site, layer,
/// row), never drawn one after the other. A twin gets the gradient of what its forward function left, adds the
/// gradients of the module's parameters to `parameters()[i].gradient` if that is not null, turns dy into the
/// gradient of what the forward function found, and adds to dx what reaches x past the base's weights (dx is empty
/// if nobody needs it). `llama::module_hooks` puts a module into forward and backward passes.
struct no_module {
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  /// Whether the module was made for models of these sizes; every pass asks.
  static constexpr bool fits(const io::model_config&) noexcept { return true; }
  /// Lowest block that the module has parameters in; `none` if it has none.
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
  kv_prefix<Scalar> prefix() const noexcept {
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
  /// Outputs (n_row, d_model) of attention and FFN if o and down are separated. The twin gets what the
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

/// Modules of a kind that is known at run time alone, such as `any_module`: `visit(f)` calls f with the one they hold.
template <class M>
concept holds_module = requires(M& m) {
  m.visit([](auto&) {});
};

/// Calls f with a module, or with the one that it holds.
template <class M, class F>
decltype(auto) visit_module(M& module, F&& f) {
  if constexpr (holds_module<M>) {
    return module.visit(std::forward<F>(f));
  } else {
    return f(module);
  }
}

template <class M>
concept has_places = std::derived_from<M, no_module> || holds_module<M>;
template <class M>
concept has_parameters = requires(const M& c) {
  typename M::scalar_type;
  { c.parameters() } -> std::convertible_to<std::span<const optim::parameter<typename M::scalar_type>>>;
};
template <class M>
concept has_sizes = requires(const M& c) {
  { c.lowest_layer() } -> std::convertible_to<std::size_t>;
  { c.fits(io::model_config{}) } -> std::same_as<bool>;
};
/// A module whose settings besides its parameters change nothing says so too: with an empty function.
template <class M>
concept has_key = requires(const M& c, key_hash& hash) {
  c.add_to_key(hash);
};

/// Role `pet_module`: see `no_module`.
template <class M>
concept pet_module = std::movable<M> && has_places<M> && has_parameters<M> && has_sizes<M> && has_key<M>;

/// Modules with learned embeddings before the tokens: `rows()` (n_virtual, d_model).
template <class M>
concept has_virtual_rows = requires(const M& m) {
  { m.rows() } -> std::convertible_to<matrix_view<const typename M::scalar_type>>;
};
/// Modules that are a change of the linear layers' weights.
template <class M>
concept changes_weights = requires(const M& m, linear::multiplier<typename M::scalar_type>& multiply,
                                   matrix_view<typename M::scalar_type> w, typename M::scalar_type* bias) {
  m.merge_into(multiply, std::size_t{}, projection_site::q, w, bias);
};

/// Says in one sentence what a type lacks to be a module.
template <class M>
consteval void explain_pet_module() {
  if constexpr (!std::movable<M>) {
    static_assert(std::movable<M>, "pet_module: it must be movable");
  } else if constexpr (!has_places<M>) {
    static_assert(has_places<M>, "pet_module: derive from pet::no_module");
  } else if constexpr (!has_parameters<M>) {
    static_assert(has_parameters<M>,
                  "pet_module: declare 'scalar_type' and 'std::span<const optim::parameter<scalar_type>> parameters() "
                  "const'");
  } else if constexpr (!has_sizes<M>) {
    static_assert(
        has_sizes<M>,
        "pet_module: declare 'std::size_t lowest_layer() const' and 'bool fits(const io::model_config&) const'");
  } else {
    static_assert(pet_module<M>,
                  "pet_module: declare 'void add_to_key(key_hash&) const', empty if the parameters are all");
  }
}

}  // namespace quipu::pet

/// @file The activation that a checkpoint states, known at run time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <quipu/activation/activation.hpp>

namespace quipu::activation {

namespace detail {

// Calls f with an activation of each kind that checkpoints name.
template <class F>
constexpr void for_each_kind(F&& f) {
  f(silu{});
  f(relu{});
  f(fat_relu{});
  f(gelu{});
  f(gelu_tanh{});
  f(shifted_relu{});
  f(relu_squared{});
  f(drelu{});
}

}  // namespace detail

/// How the activation that computes a checkpoint's `hidden_act` is called in this library
/// ("quipu::activation::gelu_tanh"); empty if there is none.
[[nodiscard]] constexpr std::string_view type_for(std::string_view hidden_act) noexcept {
  if (computes<silu>(hidden_act)) return "quipu::activation::silu";
  if (computes<relu>(hidden_act)) return "quipu::activation::relu";
  if (computes<fat_relu>(hidden_act)) return "quipu::activation::fat_relu";
  if (computes<gelu>(hidden_act)) return "quipu::activation::gelu";
  if (computes<gelu_tanh>(hidden_act)) return "quipu::activation::gelu_tanh";
  if (computes<shifted_relu>(hidden_act)) return "quipu::activation::shifted_relu";
  if (computes<relu_squared>(hidden_act)) return "quipu::activation::relu_squared";
  if (computes<drelu>(hidden_act)) return "quipu::activation::drelu";
  return "";
}

/// Any activation of the library, chosen when a checkpoint is loaded: for programs that take what they are given. Loops
/// over rows have one switch for a block of rows, so that it costs nothing; bits are those of the activation itself.
struct as_stated {
  static constexpr std::string_view name = "as_stated";

  std::variant<std::monostate, silu, relu, fat_relu, gelu, gelu_tanh, shifted_relu, relu_squared, drelu> held;  ///< empty: takes what is stated

  static constexpr bool computes(std::string_view hidden_act) noexcept { return !type_for(hidden_act).empty(); }
  /// Becomes the activation of that name, unless it is one already.
  void take_stated(std::string_view hidden_act, double threshold) {
    if (held.index() != 0) return;
    detail::for_each_kind([&]<class A>(A a) {
      if (held.index() != 0 || !activation::computes<A>(hidden_act)) return;
      if constexpr (stated_activation<A>) a.take_stated(hidden_act, threshold);
      held = a;
    });
  }
  /// Calls f with the activation. Before one is stated that is silu, Llama's own.
  template <class F>
  decltype(auto) visit(F&& f) const {
    switch (held.index()) {
      case 2: return f(*std::get_if<relu>(&held));
      case 3: return f(*std::get_if<fat_relu>(&held));
      case 4: return f(*std::get_if<gelu>(&held));
      case 5: return f(*std::get_if<gelu_tanh>(&held));
      case 6: return f(*std::get_if<shifted_relu>(&held));
      case 7: return f(*std::get_if<relu_squared>(&held));
      case 8: return f(*std::get_if<drelu>(&held));
      default: return f(silu{});
    }
  }

  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return visit([x](const auto& a) { return a(x); });
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    return visit([x](const auto& a) { return a.derivative(x); });
  }
};

static_assert(activation_policy<as_stated> && tagged_activation<as_stated> && stated_activation<as_stated>);

}  // namespace quipu::activation

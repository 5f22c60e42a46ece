/// @file What an FFN activation is, and the ones that checkpoints name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <numbers>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::activation {

/// Activations that have vector loops of their own; the others run through their call operator.
enum class vector_form : std::uint8_t { none, silu, gelu_tanh, threshold };

template <class A>
concept has_name = requires {
  { A::name } -> std::convertible_to<std::string_view>;
};
template <class A>
concept has_value = requires(const A& a) {
  { a(1.0f) } -> std::same_as<float>;
  { a(1.0) } -> std::same_as<double>;
};
template <class A>
concept has_derivative = requires(const A& a) {
  { a.derivative(1.0f) } -> std::same_as<float>;
  { a.derivative(1.0) } -> std::same_as<double>;
};

/// Role `activation`: a small value with `name`, `a(x)` and `a.derivative(x)` for float and double.
///
/// Optional members:
///
/// | member | meaning |
/// |---|---|
/// | `form` | one of `vector_form`: has a vector loop |
/// | `static bool computes(hidden_act)` | what `hidden_act` of a checkpoint it computes; without it that which equals `name` |
/// | `void take_stated(hidden_act, threshold)` | fills what the value left unsaid from what the checkpoint states |
/// | `decltype(auto) visit(f) const` | calls f with an activation of its own type: for values that are one of several |
/// | `threshold_value()` | makes every gate 0 that is below it or not above 0: what kernels that skip neurons go by |
/// | `up(x)` and `up_derivative(x)` | changes up as well: hidden = a(gate) * a.up(up) |
template <class A>
concept activation_policy = std::copyable<A> && has_name<A> && has_value<A> && has_derivative<A>;

/// Optional: an activation with a vector loop.
template <class A>
concept vectorised_activation = requires {
  { A::form } -> std::convertible_to<vector_form>;
};
/// Optional: an activation with a parameter that checkpoints state.
template <class A>
concept stated_activation =
    requires(A& a, std::string_view hidden_act, double threshold) { a.take_stated(hidden_act, threshold); };
/// Optional: an activation that is 0 for every gate below a threshold or not above 0.
template <class A>
concept thresholded_activation = requires(const A& a) {
  { a.threshold_value() } -> std::convertible_to<double>;
};
/// Optional: an activation that changes `up` besides the gate.
template <class A>
concept up_changing_activation = requires(const A& a) {
  { a.up(1.0f) } -> std::same_as<float>;
  { a.up(1.0) } -> std::same_as<double>;
  { a.up_derivative(1.0f) } -> std::same_as<float>;
  { a.up_derivative(1.0) } -> std::same_as<double>;
};
/// Optional: a value that is one of several activations.
template <class A>
concept tagged_activation = requires(const A& a) { a.visit([](const auto&) {}); };
template <class A>
concept has_computes = requires(std::string_view hidden_act) {
  { A::computes(hidden_act) } -> std::convertible_to<bool>;
};

/// What hidden multiplies with f(gate): u, or what the activation makes of it.
template <class A, class S>
[[nodiscard]] constexpr S up_of(const A& a, S u) noexcept {
  if constexpr (up_changing_activation<A>) {
    return a.up(u);
  } else {
    return u;
  }
}

/// True if a checkpoint of this `hidden_act` can be computed with the activation A.
template <class A>
[[nodiscard]] constexpr bool computes(std::string_view hidden_act) noexcept {
  if constexpr (has_computes<A>) {
    return A::computes(hidden_act);
  } else {
    return hidden_act == A::name;
  }
}

/// Says in one sentence what a type lacks to be an activation. For `static_assert((explain<A>(), true))`.
template <class A>
consteval void explain() {
  if constexpr (!std::copyable<A>) {
    static_assert(std::copyable<A>, "activation: the policy must be copyable");
  } else if constexpr (!has_name<A>) {
    static_assert(has_name<A>,
                  "activation: declare 'static constexpr std::string_view name', Hugging Face's hidden_act");
  } else if constexpr (!has_value<A>) {
    static_assert(has_value<A>,
                  "activation: declare 'template <class S> S operator()(S x) const' for float and double");
  } else {
    static_assert(has_derivative<A>,
                  "activation: declare 'template <class S> S derivative(S x) const' for float and double");
  }
}

/// x * sigmoid(x). Source: Elfwing, Uchibe, Doya 2017, eq. (2).
struct silu {
  static constexpr std::string_view name = "silu";
  static constexpr vector_form form = vector_form::silu;
  static constexpr bool computes(std::string_view hidden_act) noexcept {
    return hidden_act == name || hidden_act == "swish";
  }

  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x / (S(1) + std::exp(-x));
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    const S sigmoid = S(1) / (S(1) + std::exp(-x));
    return sigmoid * (S(1) + x * (S(1) - sigmoid));
  }
};

/// max(x, 0), derivative 0 at 0.
struct relu {
  static constexpr std::string_view name = "relu";
  static constexpr vector_form form = vector_form::threshold;

  [[nodiscard]] double threshold_value() const noexcept { return 0; }
  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x <= S(0) ? S(0) : x;  // NaN stays
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    return x > S(0) ? S(1) : S(0);
  }
};

/// x where x >= threshold, else 0: the shifted ReLU of ProSparse. Source: Song et al. 2024, eq. (6).
struct fat_relu {
  static constexpr std::string_view name = "fatrelu";
  static constexpr vector_form form = vector_form::threshold;

  double threshold = 0;  ///< not negative; 0 takes what the checkpoint states

  /// A ReLU may be shifted.
  static constexpr bool computes(std::string_view hidden_act) noexcept {
    return hidden_act == name || hidden_act == "relu";
  }
  void take_stated(std::string_view, double stated) noexcept {
    if (threshold == 0 && stated > 0) threshold = stated;
  }
  [[nodiscard]] double threshold_value() const noexcept { return threshold; }
  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x < static_cast<S>(threshold) || x <= S(0) ? S(0) : x;  // NaN stays
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    return x >= static_cast<S>(threshold) && x > S(0) ? S(1) : S(0);
  }
};

/// max(x - threshold, 0): a ReLU moved to the right. Source: Mirzadeh et al. 2023, "ReLU Strikes Back", section 5.3.
struct shifted_relu {
  static constexpr std::string_view name = "shifted_relu";

  double threshold = 0;  ///< not negative; 0 takes what the checkpoint states

  static constexpr bool computes(std::string_view hidden_act) noexcept {
    return hidden_act == name || hidden_act == "relu";
  }
  void take_stated(std::string_view, double stated) noexcept {
    if (threshold == 0 && stated > 0) threshold = stated;
  }
  [[nodiscard]] double threshold_value() const noexcept { return threshold; }
  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x <= static_cast<S>(threshold) ? S(0) : x - static_cast<S>(threshold);
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    return x > static_cast<S>(threshold) ? S(1) : S(0);
  }
};

/// max(x, 0)^2. Source: So et al. 2021, "Primer", section 4.2.
struct relu_squared {
  static constexpr std::string_view name = "relu2";

  static constexpr bool computes(std::string_view hidden_act) noexcept {
    return hidden_act == name || hidden_act == "relu_squared";
  }
  [[nodiscard]] double threshold_value() const noexcept { return 0; }
  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x <= S(0) ? S(0) : x * x;
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    return x > S(0) ? S(2) * x : S(0);
  }
};

/// max(gate, 0) * max(up, 0): a ReLU on both. Source: Song et al. 2024, "Turbo Sparse", eq. (4).
struct drelu : relu {
  static constexpr std::string_view name = "drelu";
  static constexpr vector_form form = vector_form::none;

  template <class S>
  [[nodiscard]] S up(S x) const noexcept {
    return x <= S(0) ? S(0) : x;
  }
  template <class S>
  [[nodiscard]] S up_derivative(S x) const noexcept {
    return x > S(0) ? S(1) : S(0);
  }
};

/// x * Phi(x) with the error function. Source: Hendrycks, Gimpel 2016, section 2.
struct gelu {
  static constexpr std::string_view name = "gelu";
  static constexpr vector_form form = vector_form::none;

  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return x * S(0.5) * (S(1) + std::erf(x / std::numbers::sqrt2_v<S>));
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    const S density = std::exp(S(-0.5) * x * x) * std::numbers::inv_sqrtpi_v<S> / std::numbers::sqrt2_v<S>;
    return S(0.5) * (S(1) + std::erf(x / std::numbers::sqrt2_v<S>)) + x * density;
  }
};

/// The tanh approximation of GELU. Source: Hendrycks, Gimpel 2016, section 2.
struct gelu_tanh {
  static constexpr std::string_view name = "gelu_pytorch_tanh";
  static constexpr vector_form form = vector_form::gelu_tanh;
  static constexpr bool computes(std::string_view hidden_act) noexcept {
    return hidden_act == name || hidden_act == "gelu_new";
  }

  template <class S>
  [[nodiscard]] S operator()(S x) const noexcept {
    return S(0.5) * x * (S(1) + std::tanh(inner(x)));
  }
  template <class S>
  [[nodiscard]] S derivative(S x) const noexcept {
    const S t = std::tanh(inner(x));
    const S slope = scale<S>() * (S(1) + S(3 * 0.044715) * x * x);
    return S(0.5) * (S(1) + t) + S(0.5) * x * (S(1) - t * t) * slope;
  }

 private:
  template <class S>
  static constexpr S scale() noexcept {
    return std::numbers::sqrt2_v<S> * std::numbers::inv_sqrtpi_v<S>;  // sqrt(2 / pi)
  }
  template <class S>
  static S inner(S x) noexcept {
    return scale<S>() * (x + S(0.044715) * x * x * x);
  }
};

static_assert(activation_policy<silu> && activation_policy<relu> && activation_policy<fat_relu> &&
              activation_policy<shifted_relu> && activation_policy<relu_squared> && activation_policy<drelu> &&
              activation_policy<gelu> && activation_policy<gelu_tanh>);
static_assert(up_changing_activation<drelu> && !up_changing_activation<relu>);

}  // namespace quipu::activation

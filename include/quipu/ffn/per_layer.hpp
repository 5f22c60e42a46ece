/// @file An FFN kernel for each layer, chosen at load by how many neurons are active there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// Optional: a kernel that says at which shares of active neurons it is faster than those before it.
template <class K>
concept density_bounded_kernel = requires {
  { K::pays_below } -> std::convertible_to<double>;
};

/// How a layer's kernel was chosen.
struct kernel_choice {
  enum class source : std::uint8_t {
    none,        ///< nothing is known: the first kernel
    given,       ///< by the caller
    checkpoint,  ///< beside the weights, see `density_tensor_name`
    measured,    ///< on the policy's text, while the model was loaded
  };
  std::size_t index = 0;  ///< of the kernel
  double density = 1;
  source from = source::none;
};

/// For every layer one of several kernels: the last whose `pays_below` is above the layer's share of active neurons, else the
/// first. Shares are those given, else those beside the checkpoint's weights, else `llama::load` measures them with the first kernel on 256
/// tokens of `text`; where there is no text either, all layers have the first kernel. `choice` of a state says which and why.
///
///     load(path, {}, per_layer<dense<relu>, gate_sparse<relu>, certified_sparse<relu>>{densities});
template <class First, class... Others>
struct per_layer {
  static_assert((explain<First>(), true) && (explain<Others>(), ..., true));
  static_assert((std::is_same_v<typename First::activation_type, typename Others::activation_type> && ...),
                "per_layer: all kernels must have the same activation type");
  static_assert((density_bounded_kernel<Others> && ...),
                "per_layer: kernels after the first must declare 'static constexpr double pays_below'");
  using policy_role = role::ffn;
  using activation_type = typename First::activation_type;
  using first_kernel = First;

  activation_type activation{};
  std::vector<double> densities = {};           ///< (n_layer) shares of active neurons in 0 .. 1, or empty
  std::string text = {};                        ///< to measure them on
  bool measured = false;                        ///< whether `densities` were
  std::tuple<First, Others...> kernels = {};    ///< their activations are set to `activation`

  per_layer() = default;
  per_layer(std::vector<double> d, First first = {}, Others... others)
    requires(sizeof...(Others) > 0)
      : densities(std::move(d)), kernels(std::move(first), std::move(others)...) {}
  explicit per_layer(std::vector<double> d) : densities(std::move(d)) {}
  explicit per_layer(std::string t) : text(std::move(t)) {}
  per_layer(activation_type f, std::vector<double> d = {}) : activation(std::move(f)), densities(std::move(d)) {}

  /// Which of the kernels a layer has whose share of active neurons is this.
  [[nodiscard]] static constexpr std::size_t kernel_for(double density) noexcept {
    [[maybe_unused]] std::size_t i = 0;
    std::size_t chosen = 0;
    ((++i, density < Others::pays_below ? static_cast<void>(chosen = i) : static_cast<void>(0)), ...);
    return chosen;
  }

  /// Whether any of the kernels does.
  [[nodiscard]] bool multiplies(linear::projection_site site, tensor_type type) const {
    return std::apply([&](const auto&... own) { return (ffn::multiplies(own, site, type) || ...); }, kernels);
  }
  /// Those of the kernel whose forms take most: which one a layer has may be known only when the model is there.
  [[nodiscard]] std::size_t form_bytes(const ffn_weights<float>& w) const {
    return std::apply([&](const auto&... own) { return std::max({ffn::form_bytes(own, w)...}); }, kernels);
  }

  template <class Scalar>
  class state {
   public:
    /// @throws config_error  densities of another number of layers, or outside 0 .. 1; whatever making the kernel's state throws
    state(const per_layer& outer, const ffn_weights<Scalar>& w, const place& at)
        : choice_(choose(outer, at)), held_(make(outer, choice_.index, w, at, std::index_sequence_for<First, Others...>{})) {}

    [[nodiscard]] const kernel_choice& choice() const noexcept { return choice_; }
    /// Calls f(kernel, its state).
    template <class F>
    decltype(auto) visit(F&& f) const {
      return std::visit([&](const auto& own) -> decltype(auto) { return f(own.kernel, own.state); }, held_);
    }

   private:
    template <class Kernel>
    struct held {
      Kernel kernel;
      typename Kernel::template state<Scalar> state;
    };
    using any = std::variant<held<First>, held<Others>...>;

    template <std::size_t... I>
    static any make(const per_layer& outer, std::size_t index, const ffn_weights<Scalar>& w, const place& at, std::index_sequence<I...>) {
      std::optional<any> made;
      static_cast<void>(((I == index && (made.emplace(one<I>(outer, w, at)), true)) || ...));
      return std::move(*made);
    }
    template <std::size_t I>
    static any one(const per_layer& outer, const ffn_weights<Scalar>& w, const place& at) {
      auto kernel = std::get<I>(outer.kernels);
      kernel.activation = outer.activation;
      using kernel_type = decltype(kernel);
      typename kernel_type::template state<Scalar> state(kernel, w, at);
      return any(std::in_place_index<I>, held<kernel_type>{std::move(kernel), std::move(state)});
    }
    static kernel_choice choose(const per_layer& outer, const place& at) {
      kernel_choice chosen;
      if (!outer.densities.empty()) {
        if (outer.densities.size() != at.config.n_layer)
          fail<config_error>("per_layer: densities", concat(at.config.n_layer, ", one a layer"), outer.densities.size());
        chosen.density = outer.densities[at.layer];
        chosen.from = outer.measured ? kernel_choice::source::measured : kernel_choice::source::given;
      } else if (const io::tensor_view* stored = at.content.find(density_tensor_name); stored != nullptr) {
        if (stored->n_element() != at.config.n_layer)
          fail<config_error>(concat("tensor ", density_tensor_name), concat(at.config.n_layer, " values"), stored->n_element());
        std::vector<float> all(at.config.n_layer);
        io::dequantise_row(stored->type, stored->bytes.data(), all.data(), all.size());
        chosen.density = static_cast<double>(all[at.layer]);
        chosen.from = kernel_choice::source::checkpoint;
      } else {
        return chosen;
      }
      if (!(chosen.density >= 0 && chosen.density <= 1))
        fail<config_error>(concat("per_layer: density of layer ", at.layer), "0 .. 1", chosen.density);
      chosen.index = kernel_for(chosen.density);
      return chosen;
    }

    kernel_choice choice_;
    any held_;
  };

  /// See `ffn_kernel`.
  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn_weights<Scalar>& w, linear::workspace& ws, linear::projector<Scalar>& projector,
               std::type_identity_t<matrix_view<const Scalar>> x, ffn_buffers<Scalar> b, matrix_view<Scalar> y,
               Observer&& observer) const {
    s.visit([&](const auto& kernel, const auto& own) { kernel.forward(own, w, ws, projector, x, b, y, observer); });
  }
};

}  // namespace quipu::ffn

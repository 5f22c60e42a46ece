/// @file A module whose kind is known at run time: what comes out of a folder, and what mixed batches hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <variant>

#include <quipu/core/error.hpp>
#include <quipu/pet/base_weights.hpp>
#include <quipu/pet/bitfit.hpp>
#include <quipu/pet/bottleneck.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/ia3.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/prefix.hpp>
#include <quipu/pet/prompt.hpp>

namespace quipu::pet {

/// One of the library's modules. It is a module itself, so a set or a batch of it may mix kinds; its calls go
/// through one switch each.
template <class Scalar>
class any_module : public no_module {
 public:
  using scalar_type = Scalar;
  using call_type = module_call<Scalar>;
  using held_type =
      std::variant<lora::module<Scalar>, dora::module<Scalar>, ia3::module<Scalar>, bitfit::module<Scalar>,
                   prompt::module<Scalar>, prefix::module<Scalar>, bottleneck<activation::silu>::module<Scalar>,
                   bottleneck<activation::relu>::module<Scalar>>;
  using rows_type = matrix_view<Scalar>;
  using const_rows = matrix_view<const Scalar>;

  template <class Module>
    requires std::constructible_from<held_type, Module>
  any_module(Module module) : held_(std::move(module)) {}

  /// Calls f with the module of its own type.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(std::forward<F>(f), held_);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(std::forward<F>(f), held_);
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept {
    return visit([](const auto& m) -> std::span<const optim::parameter<Scalar>> { return m.parameters(); });
  }
  [[nodiscard]] bool fits(const io::model_config& c) const {
    return visit([&](const auto& m) { return m.fits(c); });
  }
  [[nodiscard]] std::size_t lowest_layer() const {
    return visit([](const auto& m) { return m.lowest_layer(); });
  }
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const {
    return visit([&](const auto& m) { return m.separates(site, layer); });
  }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const {
    return visit([&](const auto& m) { return m.touches(site, layer); });
  }
  [[nodiscard]] bool touches_embedding() const {
    return visit([](const auto& m) { return m.touches_embedding(); });
  }
  [[nodiscard]] bool touches_hidden(std::size_t layer) const {
    return visit([&](const auto& m) { return m.touches_hidden(layer); });
  }
  [[nodiscard]] std::size_t n_virtual() const {
    return visit([](const auto& m) { return m.n_virtual(); });
  }
  /// (n_virtual, d_model) of a prompt, empty for the others.
  [[nodiscard]] const_rows rows() const {
    const auto* held = std::get_if<prompt::module<Scalar>>(&held_);
    return held == nullptr ? const_rows() : held->rows();
  }
  template <class Same>
  [[nodiscard]] prefix_values<Same> prefix() const {
    return visit([](const auto& m) { return m.template prefix<Same>(); });
  }

  /// Does nothing for modules that do not read the base.
  void bind(base_weights<Scalar> base) {
    visit([&](auto& m) {
      if constexpr (requires { m.bind(std::move(base)); }) m.bind(std::move(base));
    });
  }
  /// @throws config_error  a module that is no change of weights
  void merge_into(linear::multiplier<Scalar>& multiply, std::size_t layer, projection_site site, rows_type w,
                  Scalar* bias) const {
    visit([&](const auto& m) {
      if constexpr (requires { m.merge_into(multiply, layer, site, w, bias); }) {
        m.merge_into(multiply, layer, site, w, bias);
      } else {
        fail<config_error>("merge", "a module that is a change of weights", "another kind");
      }
    });
  }

  void embedded(const call_type& call, rows_type x) const {
    visit([&](const auto& m) { m.embedded(call, x); });
  }
  void embedded_backward(const call_type& call, rows_type dx) {
    visit([&](auto& m) { m.embedded_backward(call, dx); });
  }
  void projected(const call_type& call, projection_site site, const_rows x, rows_type y) const {
    visit([&](const auto& m) { m.projected(call, site, x, y); });
  }
  void projected_backward(const call_type& call, projection_site site, const_rows x, rows_type dy, rows_type dx) {
    visit([&](auto& m) { m.projected_backward(call, site, x, dy, dx); });
  }
  void ffn_hidden(const call_type& call, rows_type h) const {
    visit([&](const auto& m) { m.ffn_hidden(call, h); });
  }
  void ffn_hidden_backward(const call_type& call, const_rows h, rows_type dh) {
    visit([&](auto& m) { m.ffn_hidden_backward(call, h, dh); });
  }
  void attention_output(const call_type& call, rows_type y) const {
    visit([&](const auto& m) { m.attention_output(call, y); });
  }
  void attention_output_backward(const call_type& call, const_rows y, rows_type dy) {
    visit([&](auto& m) { m.attention_output_backward(call, y, dy); });
  }
  void ffn_output(const call_type& call, rows_type y) const {
    visit([&](const auto& m) { m.ffn_output(call, y); });
  }
  void ffn_output_backward(const call_type& call, const_rows y, rows_type dy) {
    visit([&](auto& m) { m.ffn_output_backward(call, y, dy); });
  }

 private:
  held_type held_;
};

static_assert(pet_module<any_module<float>> && reads_base<any_module<float>>);

}  // namespace quipu::pet

/// @file A module whose kind is known at run time: what comes out of a folder, and what mixed batches hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include <quipu/core/error.hpp>
#include <quipu/pet/base_weights.hpp>
#include <quipu/pet/kinds.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::pet {

/// Optional: modules whose effect can be made stronger or weaker.
template <class M>
concept scalable = requires(M& m) { m.scale_by(1.0); };

/// A module of one of several kinds. Hooks look through it (`visit_module`), so that a set or a batch of it may mix
/// kinds; it has none of a module's places itself.
///
/// @tparam Kinds  a `kind_list`; one with a user's own kinds makes another type
template <class Scalar, class Kinds = kinds>
class any_module {
 public:
  using scalar_type = Scalar;
  using kinds_type = Kinds;
  using held_type = typename Kinds::template variant<Scalar>;

  template <class Module>
    requires std::constructible_from<held_type, Module> any_module(Module module) : held_(std::move(module)) {}

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
    void add_to_key(key_hash& hash) const {
      visit([&](const auto& m) { m.add_to_key(hash); });
    }
    [[nodiscard]] bool fits(const io::model_config& c) const {
      return visit([&](const auto& m) { return m.fits(c); });
    }
    [[nodiscard]] std::size_t lowest_layer() const {
      return visit([](const auto& m) { return m.lowest_layer(); });
    }
    [[nodiscard]] bool touches(projection_site site, std::size_t layer) const {
      return visit([&](const auto& m) { return m.touches(site, layer); });
    }
    [[nodiscard]] bool touches_hidden(std::size_t layer) const {
      return visit([&](const auto& m) { return m.touches_hidden(layer); });
    }
    [[nodiscard]] std::size_t n_virtual() const {
      return visit([](const auto& m) { return m.n_virtual(); });
    }
    /// (n_virtual, d_model) of a prompt, empty for the others.
    [[nodiscard]] matrix_view<const Scalar> rows() const {
      return visit([](const auto& m) {
        if constexpr (has_virtual_rows<std::remove_cvref_t<decltype(m)>>) {
          return m.rows();
        } else {
          return matrix_view<const Scalar>();
        }
      });
    }
    template <class Same>
    [[nodiscard]] kv_prefix<Same> prefix() const {
      return visit([](const auto& m) { return m.template prefix<Same>(); });
    }

    /// @throws config_error  a factor other than 1 for a kind that has no strength to change
    void scale_by(double factor) {
      visit([&](auto& m) {
        if constexpr (scalable<std::remove_reference_t<decltype(m)>>) {
          m.scale_by(factor);
        } else if (factor != 1) {
          fail<config_error>("scale of an adapter", "1, unless it is LoRA or DoRA", factor);
        }
      });
    }
    /// Does nothing for modules that do not read the base.
    void bind(base_weights<Scalar> base) {
      visit([&](auto& m) {
        if constexpr (reads_base<std::remove_reference_t<decltype(m)>>) m.bind(std::move(base));
      });
    }
    /// @throws config_error  a module that is no change of weights
    void merge_into(linear::multiplier<Scalar>& multiply, std::size_t layer, projection_site site,
                    matrix_view<Scalar> w, Scalar* bias) const {
      visit([&](const auto& m) {
        if constexpr (changes_weights<std::remove_cvref_t<decltype(m)>>) {
          m.merge_into(multiply, layer, site, w, bias);
        } else {
          fail<config_error>("merge", "a module that is a change of weights", "another kind");
        }
      });
    }

   private:
    held_type held_;
};

static_assert(pet_module<any_module<float>> && reads_base<any_module<float>> && holds_module<any_module<float>>);

#if defined(QUIPU_COMPILED)
extern template class any_module<float>;
#endif

}  // namespace quipu::pet

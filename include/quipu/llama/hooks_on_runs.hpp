/// @file Hooks that call modules: every place of a block in which modules take part, once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// All rows of a batch, however many there are.
inline constexpr std::size_t all_rows = std::numeric_limits<std::size_t>::max();

/// What `module_hooks` and `mixed_module_hooks` have in common. A new place is a function of `no_hooks`, its twin in
/// `no_training_hooks`, both in `pet::no_module`, and a line each here.
///
/// @tparam Runs  which module works on which rows:
///   module_type                models `pet::pet_module`
///   for_each(segments, f)      f(module, first row, rows) for neighbouring rows of one module; rows may be `all_rows`
///   of(input)                  the module of a sequence, or null
///   any(f)                     whether f(module) is true for one of them
///   lowest_layer(), fits(c)    of all of them together
template <class Runs>
class hooks_on_runs : public no_training_hooks {
 public:
  using module_type = typename Runs::module_type;
  using scalar_type = typename module_type::scalar_type;
  using rows = matrix_view<scalar_type>;
  using const_rows = matrix_view<const scalar_type>;
  using segments = std::span<const row_segment>;

  /// @param ws  that of the session or training pass
  hooks_on_runs(Runs runs, linear::workspace& ws) : runs_(std::move(runs)), multiply_(ws) {}

  /// Dropout is on between this and `evaluate`; `step` names its random numbers.
  void train(std::uint64_t step) noexcept {
    training_ = true;
    step_ = step;
  }
  void evaluate() noexcept { training_ = false; }

  [[nodiscard]] bool fits(const io::model_config& c) const { return runs_.fits(c); }
  [[nodiscard]] std::size_t lowest_layer() const { return runs_.lowest_layer(); }
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const {
    return any([&](const auto& m) { return m.separates(site, layer); });
  }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const {
    return any([&](const auto& m) { return m.touches(site, layer); });
  }
  [[nodiscard]] bool touches_embedding() const {
    return any([](const auto& m) { return m.touches_embedding(); });
  }
  [[nodiscard]] bool reads_hidden(std::size_t layer) const {
    return any([&](const auto& m) { return m.touches_hidden(layer); });
  }
  template <class Scalar>
  [[nodiscard]] kv_prefix<Scalar> prefix(std::size_t sequence) const {
    const module_type* m = runs_.of(sequence);
    return m == nullptr ? kv_prefix<Scalar>() : m->template prefix<Scalar>();
  }

  void embedded(segments all, rows x) {
    each_sequence(all, x, [](auto& m, const auto& call, rows own) { m.embedded(call, own); });
  }
  void embedded_backward(segments all, rows dx) {
    each_sequence(all, dx, [](auto& m, const auto& call, rows own) { m.embedded_backward(call, own); });
  }
  void projected(projection_site site, std::size_t layer, segments all, const_rows x, rows y) {
    each(all, layer, [&](auto& m, const auto& call, auto part) {
      if (m.touches(site, layer)) m.projected(call, site, part(x), part(y));
    });
  }
  void projected_backward(projection_site site, std::size_t layer, segments all, const_rows x, rows dy, rows dx) {
    each(all, layer,
         [&](auto& m, const auto& call, auto part) { m.projected_backward(call, site, part(x), part(dy), part(dx)); });
  }
  void ffn_hidden(std::size_t layer, segments all, rows h) {
    each(all, layer, [&](auto& m, const auto& call, auto part) { m.ffn_hidden(call, part(h)); });
  }
  void ffn_hidden_backward(std::size_t layer, segments all, const_rows h, rows dh) {
    each(all, layer, [&](auto& m, const auto& call, auto part) { m.ffn_hidden_backward(call, part(h), part(dh)); });
  }
  void attention_output(std::size_t layer, segments all, rows y) {
    each(all, layer, [&](auto& m, const auto& call, auto part) { m.attention_output(call, part(y)); });
  }
  void attention_output_backward(std::size_t layer, segments all, const_rows x, rows dy) {
    each(all, layer,
         [&](auto& m, const auto& call, auto part) { m.attention_output_backward(call, part(x), part(dy)); });
  }
  void ffn_output(std::size_t layer, segments all, rows y) {
    each(all, layer, [&](auto& m, const auto& call, auto part) { m.ffn_output(call, part(y)); });
  }
  void ffn_output_backward(std::size_t layer, segments all, const_rows x, rows dy) {
    each(all, layer, [&](auto& m, const auto& call, auto part) { m.ffn_output_backward(call, part(x), part(dy)); });
  }

 protected:
  [[nodiscard]] const Runs& runs() const noexcept { return runs_; }
  [[nodiscard]] linear::multiplier<scalar_type>& multiplier() noexcept { return multiply_; }
  [[nodiscard]] bool training() const noexcept { return training_; }
  [[nodiscard]] pet::module_call<scalar_type> call(std::size_t layer, std::size_t first_row) noexcept {
    return {multiply_, layer, first_row, training_, step_};
  }

  /// Calls f(module of its own kind, call, part) for every run; part(rows) gives the rows of it, or none of none.
  template <class F>
  void each(segments all, std::size_t layer, F&& f) {
    runs_.for_each(all, [&](module_type& module, std::size_t first, std::size_t n) {
      const auto part = [first, n](auto view) {
        return n == all_rows || view.empty() ? view : view.middle_rows(first, n);
      };
      pet::visit_module(module, [&](auto& m) { f(m, call(layer, first), part); });
    });
  }

 private:
  template <class F>
  [[nodiscard]] bool any(F&& f) const {
    return runs_.any([&](const module_type& module) { return pet::visit_module(module, f); });
  }
  template <class F>
  void each_sequence(segments all, rows x, F&& f) {
    for (const row_segment& s : all) {
      module_type* const module = runs_.of(s.input);
      if (module == nullptr) continue;
      pet::visit_module(*module, [&](auto& m) { f(m, call(0, s.first_row), x.middle_rows(s.first_row, s.n_row)); });
    }
  }

  Runs runs_;
  linear::multiplier<scalar_type> multiply_;
  bool training_ = false;
  std::uint64_t step_ = 0;
};

}  // namespace quipu::llama

/// @file A batch in which every sequence has a module of its own, or none.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/lora_groups.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// Hooks that apply to each sequence of a batch its own module. The base's products are those of the whole
/// batch; only what the modules add is computed group by group: LoRA modules all in one parallel step.
///
/// @tparam Module  models `pet::pet_module`
template <class Module>
class mixed_module_hooks : public no_training_hooks {
 public:
  using scalar_type = typename Module::scalar_type;
  using rows = matrix_view<scalar_type>;
  using const_rows = matrix_view<const scalar_type>;
  using segments = std::span<const row_segment>;
  using pointer = std::shared_ptr<Module>;

  /// @param modules  one for each input of a session's `run`, or sequence of a training batch, in their order;
  ///                 null for the model without a module
  /// @param ws       that of the session or training pass
  mixed_module_hooks(std::vector<pointer> modules, linear::workspace& ws)
      : modules_(std::move(modules)), multiply_(ws) {}

  /// As in `module_hooks`.
  void train(std::uint64_t step) noexcept {
    training_ = true;
    step_ = step;
  }
  void evaluate() noexcept { training_ = false; }

  [[nodiscard]] bool fits(const io::model_config& c) const {
    return std::all_of(modules_.begin(), modules_.end(), [&](const pointer& m) { return m == nullptr || m->fits(c); });
  }
  [[nodiscard]] std::size_t lowest_layer() const noexcept {
    std::size_t lowest = none;
    for (const pointer& m : modules_) lowest = m == nullptr ? lowest : std::min(lowest, m->lowest_layer());
    return lowest;
  }
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const {
    return any([&](const Module& m) { return m.separates(site, layer); });
  }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const {
    return any([&](const Module& m) { return m.touches(site, layer); });
  }
  [[nodiscard]] bool touches_embedding() const {
    return any([&](const Module& m) { return m.touches_embedding(); });
  }
  [[nodiscard]] bool reads_hidden(std::size_t layer) const {
    return any([&](const Module& m) { return m.touches_hidden(layer); });
  }
  /// Virtual rows that sequence `i` of a training batch begins with.
  [[nodiscard]] std::size_t n_virtual(std::size_t i) const {
    return modules_.at(i) == nullptr ? 0 : modules_[i]->n_virtual();
  }

  template <class Scalar>
  [[nodiscard]] kv_prefix<Scalar> prefix(std::size_t i) const {
    if (of(i) == nullptr) return {};
    const pet::prefix_values<Scalar> p = of(i)->template prefix<Scalar>();
    return {p.n_row, p.values, p.gradient};
  }
  void embedded(segments all, rows x) {
    for (const row_segment& s : all) {
      if (Module* m = of(s.input)) m->embedded(call(0, s.first_row), x.middle_rows(s.first_row, s.n_row));
    }
  }
  void embedded_backward(segments all, rows dx) {
    for (const row_segment& s : all) {
      if (Module* m = of(s.input)) m->embedded_backward(call(0, s.first_row), dx.middle_rows(s.first_row, s.n_row));
    }
  }
  void projected(projection_site site, std::size_t layer, segments all, const_rows x, rows y) {
    if constexpr (is_lora) {
      if (collect(site, layer, all)) return pet::project_groups<scalar_type>(multiply_.tools(), groups_, x, y);
    }
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      if (m.touches(site, layer)) m.projected(c, site, x.middle_rows(first, n), y.middle_rows(first, n));
    });
  }
  void projected_backward(projection_site site, std::size_t layer, segments all, const_rows x, rows dy, rows dx) {
    if constexpr (is_lora) {
      if (collect(site, layer, all))
        return pet::project_groups_backward<scalar_type>(multiply_.tools(), groups_, x, dy, dx);
    }
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.projected_backward(c, site, x.middle_rows(first, n), dy.middle_rows(first, n), part(dx, first, n));
    });
  }
  void ffn_hidden(std::size_t layer, segments all, rows h) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.ffn_hidden(c, h.middle_rows(first, n));
    });
  }
  void ffn_hidden_backward(std::size_t layer, segments all, const_rows h, rows dh) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.ffn_hidden_backward(c, part(h, first, n), dh.middle_rows(first, n));
    });
  }
  void attention_output(std::size_t layer, segments all, rows y) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.attention_output(c, y.middle_rows(first, n));
    });
  }
  void attention_output_backward(std::size_t layer, segments all, const_rows x, rows dy) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.attention_output_backward(c, x.middle_rows(first, n), dy.middle_rows(first, n));
    });
  }
  void ffn_output(std::size_t layer, segments all, rows y) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.ffn_output(c, y.middle_rows(first, n));
    });
  }
  void ffn_output_backward(std::size_t layer, segments all, const_rows x, rows dy) {
    for_each_run(all, layer, [&](Module& m, const auto& c, std::size_t first, std::size_t n) {
      m.ffn_output_backward(c, x.middle_rows(first, n), dy.middle_rows(first, n));
    });
  }

 private:
  static constexpr bool is_lora = std::is_same_v<Module, pet::lora::module<scalar_type>>;

  /// @throws config_error  a batch with more sequences than modules were given for
  [[nodiscard]] Module* of(std::size_t input) const {
    if (input >= modules_.size()) {
      fail<config_error>("mixed_module_hooks: sequences", concat("as many as modules, ", modules_.size()),
                         concat("sequence ", input));
    }
    return modules_[input].get();
  }
  template <class F>
  [[nodiscard]] bool any(F&& f) const {
    return std::any_of(modules_.begin(), modules_.end(), [&](const pointer& m) { return m != nullptr && f(*m); });
  }
  template <class Values>
  static Values part(Values m, std::size_t first, std::size_t n) noexcept {
    return m.empty() ? m : m.middle_rows(first, n);
  }
  [[nodiscard]] pet::module_call<scalar_type> call(std::size_t layer, std::size_t first_row) noexcept {
    return {multiply_, layer, first_row, training_, step_};
  }

  // Calls f(module, call, first row, rows) for neighbouring segments of one module at a time.
  template <class F>
  void for_each_run(segments all, std::size_t layer, F&& f) {
    for (std::size_t i = 0; i < all.size();) {
      Module* m = of(all[i].input);
      const std::size_t first = all[i].first_row;
      std::size_t n = 0;
      for (; i < all.size() && of(all[i].input) == m; ++i) n += all[i].n_row;
      if (m != nullptr) f(*m, call(layer, first), first, n);
    }
  }

  // Fills `groups_`; false where the modules are better called one by one: few of them, so that all threads can
  // work on each, or dropout.
  bool collect(projection_site site, std::size_t layer, segments all) {
    groups_.clear();
    bool drops = false;
    for_each_run(all, layer, [&](Module& m, const auto&, std::size_t first, std::size_t n) {
      if (!m.touches(site, layer)) return;
      drops = drops || (training_ && m.policy().dropout > 0);
      const auto* target = &m.at(layer, site);
      auto group = std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.target == target; });
      if (group == groups_.end()) group = groups_.insert(group, {target, {}});
      group->rows.push_back({first, n});
    });
    return !drops && groups_.size() > 2;
  }

  std::vector<pointer> modules_;
  linear::multiplier<scalar_type> multiply_;
  bool training_ = false;
  std::uint64_t step_ = 0;
  std::vector<pet::lora_group<scalar_type>> groups_;
};

}  // namespace quipu::llama

/// @file A batch in which every sequence has a module of its own, or none.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/hooks_on_runs.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/lora_groups.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// The modules of a batch's sequences, shared, by the sequences' numbers as inputs.
template <class Module>
class runs_by_input {
 public:
  using module_type = Module;
  using pointer = std::shared_ptr<Module>;

  explicit runs_by_input(std::vector<pointer> modules) : modules_(std::move(modules)) {}

  /// @throws config_error  a batch with more sequences than modules were given for
  template <class F>
  void for_each(std::span<const row_segment> all, F&& f) const {
    for (std::size_t i = 0; i < all.size();) {
      Module* m = of(all[i].input);
      const std::size_t first = all[i].first_row;
      std::size_t n = 0;
      for (; i < all.size() && of(all[i].input) == m; ++i) n += all[i].n_row;
      if (m != nullptr) f(*m, first, n);
    }
  }
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
  [[nodiscard]] std::size_t lowest_layer() const {
    std::size_t lowest = pet::no_module::none;
    for (const pointer& m : modules_) lowest = m == nullptr ? lowest : std::min(lowest, m->lowest_layer());
    return lowest;
  }
  [[nodiscard]] bool fits(const io::model_config& c) const {
    return std::all_of(modules_.begin(), modules_.end(), [&](const pointer& m) { return m == nullptr || m->fits(c); });
  }

 private:
  std::vector<pointer> modules_;
};

/// Hooks that apply to each sequence of a batch its own module. The base's products are those of the whole
/// batch; only what the modules add is computed group by group: LoRA modules, held by `any_module` or not, all in one
/// parallel step.
///
/// @tparam Module  models `pet::pet_module`
template <class Module>
class mixed_module_hooks : public hooks_on_runs<runs_by_input<Module>> {
  static_assert((pet::explain_pet_module<Module>(), true));
  using base = hooks_on_runs<runs_by_input<Module>>;

 public:
  using typename base::const_rows;
  using typename base::rows;
  using typename base::scalar_type;
  using typename base::segments;
  using pointer = std::shared_ptr<Module>;

  /// @param modules  one for each input of a session's `run`, or sequence of a training batch, in their order;
  ///                 null for the model without a module
  /// @param ws       that of the session or training pass
  mixed_module_hooks(std::vector<pointer> modules, linear::workspace& ws)
      : base(runs_by_input<Module>(std::move(modules)), ws) {}

  /// Virtual rows that sequence `i` of a training batch begins with.
  [[nodiscard]] std::size_t n_virtual(std::size_t i) const {
    const Module* m = this->runs().of(i);
    return m == nullptr ? 0 : m->n_virtual();
  }
  /// Calls of the grouped products so far.
  [[nodiscard]] std::size_t n_grouped() const noexcept { return n_grouped_; }

  void projected(projection_site site, std::size_t layer, segments all, const_rows x, rows y) {
    if (!collect(site, layer, all)) return base::projected(site, layer, all, x, y);
    pet::project_groups<scalar_type>(this->multiplier().tools(), groups_, x, y);
    this->each(all, layer, [&](auto& m, const auto& call, auto part) {
      if (!is_lora(m) && m.touches(site, layer)) m.projected(call, site, part(x), part(y));
    });
  }
  void projected_backward(projection_site site, std::size_t layer, segments all, const_rows x, rows dy, rows dx) {
    if (!collect(site, layer, all)) return base::projected_backward(site, layer, all, x, dy, dx);
    pet::project_groups_backward<scalar_type>(this->multiplier().tools(), groups_, x, dy, dx);
    this->each(all, layer, [&](auto& m, const auto& call, auto part) {
      if (!is_lora(m)) m.projected_backward(call, site, part(x), part(dy), part(dx));
    });
  }

 private:
  using lora_module = pet::lora::module<scalar_type>;

  template <class Held>
  static constexpr bool is_lora(const Held&) noexcept {
    return std::is_same_v<Held, lora_module>;
  }

  // Fills `groups_` with the LoRA modules that touch a site; false if these are better called one by one: few of
  // them, so that all threads can work on each, or dropout.
  bool collect(projection_site site, std::size_t layer, segments all) {
    groups_.clear();
    bool drops = false;
    const auto add = [&](const lora_module& m, auto part) {
      drops = drops || (this->training() && m.policy().dropout > 0);
      const auto* target = &m.at(layer, site);
      auto group = std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.target == target; });
      if (group == groups_.end()) group = groups_.insert(group, {target, {}});
      group->rows.push_back(part);
    };
    this->runs().for_each(all, [&](const Module& module, std::size_t first, std::size_t n) {
      pet::visit_module(module, [&](const auto& m) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(m)>, lora_module>) {
          if (m.touches(site, layer)) add(m, pet::row_range{first, n});
        }
      });
    });
    const bool together = !drops && groups_.size() > 2;
    n_grouped_ += together;
    return together;
  }

  std::vector<pet::lora_group<scalar_type>> groups_;
  std::size_t n_grouped_ = 0;
};

}  // namespace quipu::llama

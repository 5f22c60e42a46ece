/// @file One parameter-efficient module in the passes of a model, for training and for inference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <quipu/linear/workspace.hpp>
#include <quipu/llama/hooks_on_runs.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// One module on all rows.
template <class Module>
class one_run {
 public:
  using module_type = Module;

  explicit one_run(Module& module) noexcept : module_(&module) {}

  template <class F>
  void for_each(std::span<const row_segment>, F&& f) const {
    f(*module_, std::size_t{0}, all_rows);
  }
  [[nodiscard]] Module* of(std::size_t) const noexcept { return module_; }
  template <class F>
  [[nodiscard]] bool any(F&& f) const {
    return f(*module_);
  }
  [[nodiscard]] std::size_t lowest_layer() const { return module_->lowest_layer(); }
  [[nodiscard]] bool fits(const io::model_config& c) const { return module_->fits(c); }

 private:
  Module* module_;
};

/// Hooks that apply one module to all rows of a batch. Cheap to make: switching modules is making another.
///
/// @tparam Module  models `pet::pet_module`; must outlive the hooks
template <class Module>
class module_hooks : public hooks_on_runs<one_run<Module>> {
  static_assert((pet::explain_pet_module<Module>(), true));

 public:
  /// @param ws  that of the session or training pass
  module_hooks(Module& module, linear::workspace& ws) : hooks_on_runs<one_run<Module>>(one_run<Module>(module), ws) {}

  [[nodiscard]] const Module& module() const noexcept { return *this->runs().of(0); }
  [[nodiscard]] std::size_t n_virtual() const { return this->runs().of(0)->n_virtual(); }
};

}  // namespace quipu::llama

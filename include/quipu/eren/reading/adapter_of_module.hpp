/// @file A parameter-efficient module that is on while notes are read, and off everywhere else.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/sequence_input.hpp>  // sequence_id
#include <quipu/llama/virtual_tokens.hpp>
#include <quipu/pet/module_key.hpp>

namespace quipu::eren {

/// The adapter of a reader (see `no_adapter`): any module, modules with virtual tokens included. The editor's fallback
/// knows nothing of it, so what no note answers gets the unedited model's bytes. Copies share the module.
///
/// @tparam Module  models `pet::pet_module`
template <class Module>
class module_adapter {
 public:
  using module_type = Module;
  using scalar_type = typename Module::scalar_type;

  /// @param model  the one that will read; modules that look at its weights are bound to it
  /// @throws config_error  the module was made for a model of other sizes
  template <class Model>
  module_adapter(Module module, const Model& model) : module_(std::make_shared<Module>(std::move(module))) {
    if (!module_->fits(model.config()))
      fail<config_error>("module_adapter", "a module made for this model", "one of other sizes");
    bind_base(*module_, model);  // found by the model's namespace, as is create_with by the session's
    key_ = pet::module_key(*module_);
  }

  [[nodiscard]] const Module& module() const noexcept { return *module_; }
  template <class Session>
  [[nodiscard]] llama::module_hooks<Module> hooks(Session& session) const {
    return {*module_, session.workspace()};
  }
  template <class Session>
  [[nodiscard]] llama::sequence_id begin(Session& session) const {
    return create_with(session, *module_);
  }
  [[nodiscard]] std::size_t n_virtual() const {
    return module_->n_virtual() + module_->template prefix<scalar_type>().n_row;
  }
  /// Of the module's values: another module's prompts and gates are never taken for this one's.
  [[nodiscard]] std::uint64_t variant() const noexcept { return key_; }
  [[nodiscard]] std::string identity() const {
    return concat(", adapter ", hex_digits(key_));
  }

 private:
  std::shared_ptr<Module> module_;
  std::uint64_t key_ = 0;
};

}  // namespace quipu::eren

/// @file Modules by name on one model: attached, detached, switched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::pet {

/// Named modules of one kind for one model. All operations take constant time; modules are shared, so that one
/// that is in use may be detached. A name that is not there is an error, never the model without a module.
template <pet_module Module>
class module_set {
 public:
  using module_type = Module;
  using pointer = std::shared_ptr<Module>;

  explicit module_set(io::model_config c) : config_(std::move(c)) {}

  /// @throws config_error  an empty name, one that is taken, or a module for a model of other sizes
  pointer attach(const std::string& name, Module module) {
    return attach(name, std::make_shared<Module>(std::move(module)));
  }
  pointer attach(const std::string& name, pointer module) {
    if (name.empty()) fail<config_error>("module_set: name", "a name", "none");
    if (module == nullptr || !module->fits(config_)) {
      fail<config_error>(concat("module_set: ", printable(name)), "a module made for this model", "one of other sizes");
    }
    if (!modules_.try_emplace(name, module).second)
      fail<config_error>("module_set: name", "a new one", printable(name));
    return module;
  }
  /// @throws config_error  no module of that name
  pointer detach(const std::string& name) {
    pointer module = at(name);
    modules_.erase(name);
    if (active_ == module) active_ = nullptr;
    return module;
  }
  /// Makes a module the one that `active` gives; `use_none` takes it back.
  /// @throws config_error  no module of that name
  void use(const std::string& name) { active_ = at(name); }
  void use_none() noexcept { active_ = nullptr; }
  /// The module in use, or null.
  [[nodiscard]] const pointer& active() const noexcept { return active_; }

  [[nodiscard]] bool contains(const std::string& name) const { return modules_.count(name) > 0; }
  [[nodiscard]] std::size_t size() const noexcept { return modules_.size(); }
  /// @throws config_error  no module of that name
  [[nodiscard]] pointer at(const std::string& name) const {
    const auto found = modules_.find(name);
    if (found == modules_.end())
      fail<config_error>("module_set", concat("one of ", modules_.size(), " attached modules"),
                         concat("the name ", printable(name)));
    return found->second;
  }
  /// Modules for the sequences of a batch, by name; an empty name means the model without a module.
  /// @throws config_error  no module of a name
  [[nodiscard]] std::vector<pointer> choose(const std::vector<std::string>& names) const {
    std::vector<pointer> chosen;
    for (const std::string& name : names) chosen.push_back(name.empty() ? pointer() : at(name));
    return chosen;
  }

 private:
  io::model_config config_;
  std::unordered_map<std::string, pointer> modules_;
  pointer active_;
};

}  // namespace quipu::pet

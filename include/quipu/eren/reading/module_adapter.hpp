/// @file A parameter-efficient module that is on while notes are read, and off everywhere else.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/reading/option_reader.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/span_reader.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/virtual_tokens.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/pet/peft_folder.hpp>

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

/// The module of a PEFT folder as an adapter.
/// @throws io_error, format_error  the folder is damaged, of a kind that is not known, or for a model of other sizes
template <class Model>
[[nodiscard]] module_adapter<pet::any_module<typename Model::scalar_type>> load_adapter(
    const std::filesystem::path& folder, const Model& model) {
  return {pet::load_any_peft<typename Model::scalar_type>(folder, model.config()), model};
}

/// A reader that was taught to read with a module (see `train_reader`): short prompt, spans of the note, and a margin
/// over abstaining that needs no fitting.
template <class Module = pet::any_module<float>>
using taught_reader = basic_span_reader<plain_note_prompt, module_adapter<Module>>;

/// The same with one word or name of the note.
template <class Module = pet::any_module<float>>
using taught_word_reader = basic_extractive_reader<plain_note_prompt, module_adapter<Module>>;

/// The same, writing freely: says "unanswerable" by itself if the note does not tell.
template <class Module = pet::any_module<float>>
using taught_generating_reader = basic_generating_reader<plain_note_prompt, abstention_gate, 1, module_adapter<Module>>;

/// Several notes in one prompt, for questions that need more than one; `margin_gate` wants `whole_abstention`, and
/// `must_answer` if its threshold is below 0.
template <class Module = pet::any_module<float>, std::size_t NNote = 3>
using taught_joint_reader = basic_generating_reader<plain_note_prompt, margin_gate, NNote, module_adapter<Module>>;

/// Holds claims against notes, one by one: yes, no, or that the note does not tell.
template <class Module = pet::any_module<float>>
using taught_claim_reader = basic_option_reader<plain_claim_prompt, module_adapter<Module>, note_grouping::one_by_one>;

}  // namespace quipu::eren

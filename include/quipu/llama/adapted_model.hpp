/// @file A model with adapters of PEFT folders, used like a model without: in sessions, generation, editors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/hooks_on_runs.hpp>
#include <quipu/llama/model_family.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/next_logits.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/llama/virtual_tokens.hpp>
#include <quipu/llama/with_base_changes.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::llama {

/// Several modules on all rows, one after the other.
template <class Module>
class every_run {
 public:
  using module_type = Module;
  using list = std::vector<std::shared_ptr<Module>>;

  explicit every_run(const list& modules) noexcept : modules_(&modules) {}

  template <class F>
  void for_each(std::span<const row_segment>, F&& f) const {
    for (const auto& m : *modules_) f(*m, std::size_t{0}, all_rows);
  }
  /// The one with virtual tokens: no more than one has them.
  [[nodiscard]] Module* of(std::size_t) const noexcept {
    using scalar = typename Module::scalar_type;
    for (const auto& m : *modules_) {
      if (m->n_virtual() + m->template prefix<scalar>().n_row > 0) return m.get();
    }
    return nullptr;
  }
  template <class F>
  [[nodiscard]] bool any(F&& f) const {
    return std::any_of(modules_->begin(), modules_->end(), [&](const auto& m) { return f(*m); });
  }
  [[nodiscard]] std::size_t lowest_layer() const {
    std::size_t lowest = pet::no_module::none;
    for (const auto& m : *modules_) lowest = std::min(lowest, m->lowest_layer());
    return lowest;
  }
  [[nodiscard]] bool fits(const io::model_config& c) const {
    return std::all_of(modules_->begin(), modules_->end(), [&](const auto& m) { return m->fits(c); });
  }

 private:
  const list* modules_;
};

/// A model and adapters, made by `with_adapter`. Models `language_model`; copies share everything.
template <class Policies>
class adapted_model {
 public:
  using base_type = basic_model<Policies>;
  using policies = Policies;
  using scalar_type = typename base_type::scalar_type;
  using module_type = pet::any_module<scalar_type>;
  using module_list = std::vector<std::shared_ptr<module_type>>;

  /// Without an adapter yet.
  explicit adapted_model(base_type base) : base_(std::move(base)) {}

  /// The model with the tensors that the adapters brought, without their modules.
  [[nodiscard]] const base_type& base() const noexcept { return base_; }
  [[nodiscard]] const module_list& modules() const noexcept { return modules_; }
  [[nodiscard]] decltype(auto) config() const noexcept { return base_.config(); }
  [[nodiscard]] decltype(auto) weights() const noexcept { return base_.weights(); }
  [[nodiscard]] decltype(auto) identity() const noexcept { return base_.identity(); }
  [[nodiscard]] const text::any_tokenizer& tokenizer() const { return base_.tokenizer(); }

  /// Positions that virtual tokens take in front of every sequence.
  [[nodiscard]] std::size_t n_virtual() const {
    std::size_t n = 0;
    for (const auto& m : modules_) n += m->n_virtual() + m->template prefix<scalar_type>().n_row;
    return n;
  }

  /// Of weights and modules together, for the keys of what was fitted on the model.
  [[nodiscard]] std::string key() const {
    std::string all = hex_digits(base_.identity()->content->hash());
    for (const auto& m : modules_) all += concat("+", hex_digits(pet::module_key(*m)));
    return all;
  }

  /// Of the base, see `model_family`; with adapters another one.
  [[nodiscard]] std::string family() const {
    const std::string of_base = model_family(base_);
    return modules_.empty() ? of_base : concat(of_base, " with adapters");
  }

  /// The same with one more adapter; its module is shared, not copied.
  /// @throws config_error  a second adapter with virtual tokens
  [[nodiscard]] adapted_model with(base_type base, std::shared_ptr<module_type> module) const {
    adapted_model more(*this);
    more.base_ = std::move(base);
    more.modules_.push_back(std::move(module));
    const auto n_prompt = std::count_if(more.modules_.begin(), more.modules_.end(), [](const auto& m) {
      return m->n_virtual() + m->template prefix<scalar_type>().n_row > 0;
    });
    if (n_prompt > 1) fail<config_error>("with_adapter", "at most one adapter with virtual tokens", n_prompt);
    // Modules that read the weights under them must see those of the new base.
    const bool same_base = more.base_.shared_weights() == base_.shared_weights();
    for (const auto& m : more.modules_) {
      if (!same_base || m == more.modules_.back()) bind_base(*m, more.base_);
    }
    return more;
  }

 private:
  base_type base_;
  module_list modules_;
};

/// The model with the adapter of a PEFT folder on top of those that it has: the module beside its weights, and
/// everything that the folder changes of the weights themselves (`modules_to_save`, LoRA on the head or the embedding,
/// biases, trained tokens).
///
/// @param scale  strength of the adapter; 1 as it was trained
/// @throws io_error, format_error  see `pet::peft_folder`
/// @throws config_error            a scale other than 1 for a kind or for tensors that have no strength
/// Example: examples/01_generate/main.cpp
template <class Policies>
[[nodiscard]] adapted_model<Policies> with_adapter(const adapted_model<Policies>& m, const std::filesystem::path& folder,
                                                   double scale = 1) {
  using scalar = scalar_of<Policies>;
  const pet::peft_folder opened(folder);
  auto base = with_base_changes(m.base(), opened.base_changes(m.config()), scale);
  std::shared_ptr<pet::any_module<scalar>> module;
  const auto keep = [&](auto made) { module = std::make_shared<pet::any_module<scalar>>(std::move(made)); };
  pet::visit_peft<scalar>(opened, m.config(), keep, pet::base_state::changed);
  module->scale_by(scale);
  return m.with(std::move(base), std::move(module));
}
template <class Policies>
[[nodiscard]] adapted_model<Policies> with_adapter(const basic_model<Policies>& m, const std::filesystem::path& folder,
                                                   double scale = 1) {
  return with_adapter(adapted_model<Policies>(m), folder, scale);
}

/// A session whose every sequence has the adapters: it models `language_session`, and positions count from the first
/// token after virtual ones.
template <class Policies>
class adapted_session {
 public:
  using model_type = adapted_model<Policies>;
  using scalar_type = typename model_type::scalar_type;
  using input = sequence_input<scalar_type>;

  /// @throws config_error  as `session`; a context that virtual tokens fill
  explicit adapted_session(model_type m, thread_team team = thread_team(), session_options options = {})
      : model_(std::move(m)), n_virtual_(model_.n_virtual()), session_(model_.base(), std::move(team), options) {
    if (n_virtual_ >= session_.n_ctx()) {
      fail<config_error>("adapted_session: n_ctx", concat("more than the adapter's ", n_virtual_, " virtual tokens"),
                         session_.n_ctx());
    }
  }

  [[nodiscard]] const model_type& model() const noexcept { return model_; }
  [[nodiscard]] std::size_t n_ctx() const noexcept { return session_.n_ctx() - n_virtual_; }
  [[nodiscard]] std::size_t n_vocab() const noexcept { return session_.n_vocab(); }

  [[nodiscard]] sequence_id create() {
    const auto* with_tokens = n_virtual_ == 0 ? nullptr : every_run(model_.modules()).of(0);
    return with_tokens == nullptr ? session_.create() : create_with(session_, *with_tokens);
  }
  [[nodiscard]] sequence_id fork(sequence_id from, std::size_t n) { return session_.fork(from, n_virtual_ + n); }
  void truncate(sequence_id sequence, std::size_t n) { session_.truncate(sequence, n_virtual_ + n); }
  void erase(sequence_id sequence) { session_.erase(sequence); }
  [[nodiscard]] std::size_t length(sequence_id sequence) const { return session_.length(sequence) - n_virtual_; }

  /// @throws config_error  as `session::run`
  template <class Visit>
  void run(std::span<const input> inputs, Visit&& visit) {
    if (model_.modules().empty()) return session_.run(inputs, std::forward<Visit>(visit));
    hooks_on_runs hooks(every_run(model_.modules()), session_.workspace());
    session_.run(inputs, std::forward<Visit>(visit), hooks);
  }
  /// With hooks of the caller's.
  /// @throws config_error  as `session::run`; the model has adapters, which are hooks already
  template <class Visit, class Hooks>
  void run(std::span<const input> inputs, Visit&& visit, Hooks& hooks) {
    if (!model_.modules().empty())
      fail<config_error>("adapted_session: hooks", "a model without adapters", concat(model_.modules().size(), " adapters"));
    session_.run(inputs, std::forward<Visit>(visit), hooks);
  }
  [[nodiscard]] linear::workspace& workspace() noexcept { return session_.workspace(); }
  /// A sequence that begins with what a module brings, as `create_with`.
  /// @throws config_error  as there; the model has adapters
  template <class Module>
  [[nodiscard]] sequence_id create(const Module& module) {
    if (!model_.modules().empty())
      fail<config_error>("adapted_session: module", "a model without adapters", concat(model_.modules().size(), " adapters"));
    return create_with(session_, module);
  }
  /// Logits after the last token; valid until the next call.
  /// @throws config_error  as `session::next_logits`
  [[nodiscard]] std::span<const scalar_type> next_logits(sequence_id sequence, std::span<const token_id> tokens,
                                                         token_role role = token_role::prompt) {
    return run_for_logits(*this, sequence, tokens, role);
  }

 private:
  model_type model_;
  std::size_t n_virtual_;
  session<typename model_type::base_type> session_;
};

template <class Policies, class Module>
[[nodiscard]] sequence_id create_with(adapted_session<Policies>& s, const Module& module) {
  return s.create(module);
}
template <class Module, class Policies>
void bind_base(Module& module, const adapted_model<Policies>& m) {
  bind_base(module, m.base());
}

template <class Policies>
[[nodiscard]] adapted_session<Policies> open_session(const adapted_model<Policies>& m, thread_team team,
                                                     session_options options = {}) {
  return adapted_session<Policies>(m, std::move(team), options);
}

}  // namespace quipu::llama

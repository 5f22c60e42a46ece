/// @file The model: a cheap handle on architecture, weights, tokenizer and kernels, all const.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/llama/hidden_act.hpp>
#include <quipu/llama/policies.hpp>
#include <quipu/llama/weights.hpp>
#include <quipu/text/any_tokenizer.hpp>

namespace quipu::llama {

/// What a model holds besides its weights and kernels.
struct model_identity {
  llama::config config;
  text::any_tokenizer tokenizer;  ///< empty if the checkpoint has no vocabulary
  std::string path;               ///< file or folder it came from, for messages
  std::string format;
  /// What else the checkpoint held, and its hash; of trained weights what they began with. Never null in a model.
  std::shared_ptr<const io::checkpoint_content> content = std::make_shared<const io::checkpoint_content>();
};

/// What making a model may use besides what it is made of.
struct build_options {
  thread_team team = thread_team(1);  ///< for kernels that rearrange weights
  progress_callback progress = {};
  std::size_t memory = 0;  ///< bytes that weights may take; 0 means what is available
};

/// A LLaMA. Copies share everything; sessions keep a copy, so a model need not outlive them. One model
/// serves any number of sessions on any threads.
///
/// @tparam Policies  a `policy_list` as `model_policies` sorts it; name models through `model<...>`
template <class Policies>
class basic_model {
  static_assert((explain_policies<Policies>(), true));

 public:
  using policies = Policies;
  using ffn_type = policy_of<Policies, role::ffn>;
  using scalar_type = scalar_of<Policies>;
  using kv_type = typename policy_of<Policies, role::kv>::template value_type<scalar_type>;
  using ffn_state = typename ffn_type::template state<scalar_type>;
  using weights_type = llama::weights<scalar_type>;

  /// @throws config_error  an activation other than the config's; whatever making the kernel's states throws
  basic_model(std::shared_ptr<const model_identity> identity, std::shared_ptr<const weights_type> w, Policies chosen = {},
              const build_options& options = {})
      : identity_(std::move(identity)), weights_(std::move(w)) {
    auto kernels = std::make_shared<kernel_set>();
    auto ffn = chosen.template get<role::ffn>();
    settle_activation(ffn.activation, identity_->config, identity_->path);
    kernels->policies = chosen.replace(std::move(ffn));
    kernels->states.reserve(weights_->blocks.size());
    for (std::size_t layer = 0; layer < weights_->blocks.size(); ++layer) {
      kernels->states.emplace_back(
          kernels->policies.template get<role::ffn>(), weights_->blocks[layer].ffn,
          ffn::place{layer, identity_->config, *identity_->content, options.team, options.progress, weights_->forms.get()});
    }
    kernels_ = std::move(kernels);
  }

  [[nodiscard]] const llama::config& config() const noexcept { return identity_->config; }
  [[nodiscard]] const weights_type& weights() const noexcept { return *weights_; }
  [[nodiscard]] const std::shared_ptr<const weights_type>& shared_weights() const noexcept { return weights_; }
  [[nodiscard]] const std::shared_ptr<const model_identity>& identity() const noexcept { return identity_; }
  /// The values of all policies.
  [[nodiscard]] const Policies& chosen() const noexcept { return kernels_->policies; }
  [[nodiscard]] const ffn_type& ffn() const noexcept { return chosen().template get<role::ffn>(); }
  [[nodiscard]] const ffn_state& ffn_state_of(std::size_t layer) const noexcept { return kernels_->states[layer]; }

  /// @throws config_error  the checkpoint came without a vocabulary
  [[nodiscard]] const text::any_tokenizer& tokenizer() const {
    if (!identity_->tokenizer) {
      fail<config_error>(identity_->path, "a checkpoint with a tokenizer", "one without");
    }
    return identity_->tokenizer;
  }

 private:
  struct kernel_set {
    Policies policies;
    std::vector<ffn_state> states;  // one a block
  };

  std::shared_ptr<const model_identity> identity_;
  std::shared_ptr<const weights_type> weights_;
  std::shared_ptr<const kernel_set> kernels_;
};

/// The model type of some policies, in any order; the others take their defaults.
template <class... Policies>
using model = basic_model<model_policies<Policies...>>;

/// The kernels that a model's `isa` policy asks for.
/// @throws config_error  the processor has not what the policy fixes
template <class Policies>
[[nodiscard]] const linear::kernel_table& kernels_of(const basic_model<Policies>&) {
  constexpr std::optional<instruction_set> set = policy_of<Policies, role::isa>::set;
  if constexpr (set.has_value()) {
    return linear::kernels_for(*set);
  } else {
    return linear::best_kernels();
  }
}

/// The same model with another FFN kernel; all tensors are shared. The kernel's activation must be the model's, but for
/// the threshold: a ReLU may be shifted.
/// @throws config_error  another activation (see `with_activation`); whatever making the kernel's states throws
/// Example: examples/02_perplexity/main.cpp
template <class Ffn, class Policies>
[[nodiscard]] auto with_ffn(const basic_model<Policies>& m, Ffn ffn = {}, const build_options& options = {}) {
  static_assert((ffn::explain<Ffn>(), true));
  using changed = typename Policies::template replaced<Ffn>;
  return basic_model<changed>(m.identity(), m.shared_weights(), m.chosen().replace(std::move(ffn)), options);
}

/// Optional: an FFN kernel that can be rebuilt for another activation.
template <class Ffn>
concept rebindable_ffn = requires { typename Ffn::template with_activation<activation::relu>; };

/// The same tensors under another activation, which the config of the new model states: a different model, for
/// those who want one (with ReLU in place of SiLU, for instance). `checkpoint_of` and the writers write it as such.
template <class Activation, class Policies>
[[nodiscard]] auto with_activation(const basic_model<Policies>& m, Activation f = {}, const build_options& options = {}) {
  using old = policy_of<Policies, role::ffn>;
  static_assert(rebindable_ffn<old>,
                "with_activation: the FFN kernel must declare 'template <class A> using with_activation = ...'");
  using kernel = typename old::template with_activation<Activation>;
  auto identity = std::make_shared<model_identity>(*m.identity());
  state_activation(f, identity->config);
  kernel ffn{};
  ffn.activation = std::move(f);
  using changed = typename Policies::template replaced<kernel>;
  return basic_model<changed>(std::move(identity), m.shared_weights(), m.chosen().replace(std::move(ffn)), options);
}

}  // namespace quipu::llama

/// @file The model: a cheap handle on architecture, weights, tokenizer and kernels, all const.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/llama/policies.hpp>
#include <quipu/llama/weights.hpp>
#include <quipu/text/any_tokenizer.hpp>

namespace quipu::llama {

/// What a model holds besides its weights and kernels.
struct model_identity {
  llama::config config;
  text::any_tokenizer tokenizer;  ///< empty where the checkpoint has no vocabulary
  std::string path;               ///< file or folder it came from, for messages
  std::string format;
};

/// A LLaMA. Copies share everything; sessions keep a copy, so a model need not outlive them. One model
/// serves any number of sessions on any threads.
///
/// @tparam Policies  a `policy_set`; name models through `model<...>`, which sorts policies
template <class Policies>
class basic_model {
 public:
  using policies = Policies;
  using ffn_type = typename Policies::ffn;
  using scalar_type = typename Policies::scalar::value_type;
  using kv_type = typename Policies::kv::template value_type<scalar_type>;
  using ffn_state = typename ffn_type::template state<scalar_type>;
  using weights_type = llama::weights<scalar_type>;

  basic_model(std::shared_ptr<const model_identity> identity, std::shared_ptr<const weights_type> w, ffn_type ffn)
      : identity_(std::move(identity)), weights_(std::move(w)) {
    auto kernels = std::make_shared<ffn_kernels>();
    kernels->ffn = std::move(ffn);
    for (const block_weights<scalar_type>& b : weights_->blocks) kernels->states.emplace_back(kernels->ffn, b.ffn);
    kernels_ = std::move(kernels);
  }

  [[nodiscard]] const llama::config& config() const noexcept { return identity_->config; }
  [[nodiscard]] const weights_type& weights() const noexcept { return *weights_; }
  [[nodiscard]] const std::shared_ptr<const weights_type>& shared_weights() const noexcept { return weights_; }
  [[nodiscard]] const std::shared_ptr<const model_identity>& identity() const noexcept { return identity_; }
  [[nodiscard]] const ffn_type& ffn() const noexcept { return kernels_->ffn; }
  [[nodiscard]] const ffn_state& ffn_state_of(std::size_t layer) const noexcept { return kernels_->states[layer]; }

  /// @throws config_error  the checkpoint came without a vocabulary
  [[nodiscard]] const text::any_tokenizer& tokenizer() const {
    if (!identity_->tokenizer) {
      fail<config_error>(identity_->path, "a checkpoint with a tokenizer", "one without");
    }
    return identity_->tokenizer;
  }

 private:
  struct ffn_kernels {
    ffn_type ffn;
    std::vector<ffn_state> states;
  };

  std::shared_ptr<const model_identity> identity_;
  std::shared_ptr<const weights_type> weights_;
  std::shared_ptr<const ffn_kernels> kernels_;
};

/// The model type of some policies, in any order; the others take their defaults.
template <class... Policies>
using model = basic_model<typename sort_policies<Policies...>::type>;

/// The same model with another FFN kernel; all tensors are shared.
template <class Ffn, class Policies>
[[nodiscard]] auto with_ffn(const basic_model<Policies>& m, Ffn ffn = {}) {
  using changed = policy_set<Ffn, typename Policies::storage, typename Policies::activations, typename Policies::kv,
                             typename Policies::scalar, typename Policies::isa>;
  return basic_model<changed>(m.identity(), m.shared_weights(), std::move(ffn));
}

}  // namespace quipu::llama

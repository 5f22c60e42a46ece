/// @file Prompt tuning: learned embeddings before the tokens of every sequence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

/// n_virtual rows stand before the embeddings of a sequence's tokens, which keep their order after them.
/// Source: Lester et al. 2021, section 2.
struct prompt {
  std::size_t n_virtual = 8;
  double deviation = 1;  ///< of the first values, which are normal; 1 as PEFT's "RANDOM"

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "PROMPT_TUNING";
  [[nodiscard]] static prompt read_peft(peft_fields& fields, const io::model_config& c);
  void write_peft(nlohmann::ordered_json& json, const io::model_config& c) const;
};

/// The learned rows of one model.
template <class Scalar>
class prompt::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = prompt;
  using call_type = module_call<Scalar>;

  /// @throws config_error  no rows, or as many as the model's context
  module(const prompt& policy, const io::model_config& c, std::uint64_t seed) : policy_(policy), memory_(c) {
    if (policy.n_virtual == 0 || policy.n_virtual >= c.n_ctx) {
      fail<config_error>("prompt: n_virtual", concat("1 .. ", c.n_ctx - 1), policy.n_virtual);
    }
    memory_.add("prompt_embeddings", {policy.n_virtual, c.d_model});
    memory_.allocate();
    random_stream random(seed, 1);
    const auto& p = memory_[0];
    std::generate_n(p.value, p.size(), [&] { return static_cast<Scalar>(policy_.deviation * random.normal()); });
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const prompt& policy() const noexcept { return policy_; }
  void add_to_key(key_hash&) const noexcept {}
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  [[nodiscard]] std::size_t n_virtual() const noexcept { return policy_.n_virtual; }
  static constexpr bool touches_embedding() noexcept { return true; }
  /// (n_virtual, d_model)
  [[nodiscard]] matrix_view<const Scalar> rows() const noexcept {
    return {memory_[0].value, memory_[0].rows(), memory_[0].cols()};
  }

  void embedded(const call_type&, matrix_view<Scalar> x) const noexcept {
    std::copy_n(memory_[0].value, memory_[0].size(), x.data());
  }
  void embedded_backward(const call_type&, matrix_view<Scalar> dx) noexcept {
    const auto& p = memory_[0];
    for (std::size_t i = 0; i < p.size(); ++i) p.gradient[i] += dx.data()[i];
  }

 private:
  prompt policy_;
  parameter_memory<Scalar> memory_;
};

static_assert(pet_module<prompt::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class prompt::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/prompt.ipp>
#endif

/// @file Prefix tuning: learned keys and values before the tokens of every sequence, in all layers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

/// n_virtual keys (not rotated) and values in every layer; the tokens' positions start at n_virtual.
/// Source: Li, Liang 2021, section 4; without their reparametrisation, as PEFT stores it.
struct prefix {
  std::size_t n_virtual = 8;
  double deviation = 1;  ///< of the first values, which are normal, as PEFT's

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "PREFIX_TUNING";
  /// A projection (`prefix_projection`) exists only in training: files hold its result.
  [[nodiscard]] static prefix read_peft(peft_fields& fields, const io::model_config& c);
  void write_peft(nlohmann::ordered_json& json, const io::model_config& c) const;
};

/// The keys and values of one model: row r of (n_virtual, n_layer * 2 * d_kv) holds for each layer in turn d_kv
/// keys and d_kv values.
template <class Scalar>
class prefix::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = pet::prefix;

  /// @throws config_error  no rows, or as many as the model's context
  module(const policy_type& policy, const io::model_config& c, std::uint64_t seed) : policy_(policy), memory_(c) {
    if (policy.n_virtual == 0 || policy.n_virtual >= c.n_ctx) {
      fail<config_error>("prefix: n_virtual", concat("1 .. ", c.n_ctx - 1), policy.n_virtual);
    }
    memory_.add("prompt_embeddings", {policy.n_virtual, c.n_layer * 2 * c.d_kv()});
    memory_.allocate();
    random_stream random(seed, 1);
    const auto& p = memory_[0];
    std::generate_n(p.value, p.size(), [&] { return static_cast<Scalar>(policy_.deviation * random.normal()); });
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const policy_type& policy() const noexcept { return policy_; }
  void add_to_key(key_hash&) const noexcept {}
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  static constexpr std::size_t lowest_layer() noexcept { return 0; }

  template <class Same>
  [[nodiscard]] kv_prefix<Same> prefix() const noexcept {
    static_assert(std::is_same_v<Same, Scalar>, "prefix: the module's scalar must be the model's");
    return {policy_.n_virtual, memory_[0].value, memory_[0].gradient};
  }

 private:
  policy_type policy_;
  parameter_memory<Scalar> memory_;
};

static_assert(pet_module<prefix::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class prefix::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/prefix.ipp>
#endif

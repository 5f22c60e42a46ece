/// @file BitFit: learned biases of linear layers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

/// y = W x + b0 + b; only b trains, from zero. A LLaMA has mostly no b0 of its own. Source: Ben Zaken et al.
/// 2022, section 3; PEFT keeps such biases as the kind BEFT.
struct bitfit {
  optim::name_pattern targets = optim::name_pattern::all();

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "BEFT";  // adds the same biases
  [[nodiscard]] static bitfit read_peft(peft_fields& fields, const io::model_config& c);
  void write_peft(nlohmann::ordered_json& json, const io::model_config&) const;
};

/// The biases of one model.
template <class Scalar>
class bitfit::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = bitfit;
  using call_type = module_call<Scalar>;

  /// @throws config_error  no target matches
  module(const bitfit& policy, const io::model_config& c, std::uint64_t) : policy_(policy), memory_(c) {
    numbers_.assign(c.n_layer * linear::projection_sites.size(), none);
    lowest_ = for_each_target(
        policy.targets, c, "bitfit",
        [&](std::size_t layer, projection_site site, const std::string& name, std::size_t d_out, std::size_t) {
          numbers_[target_index(layer, site)] = memory_.add(peft_name(name, ".beft_bias"), {1, d_out});
        });
    memory_.allocate();
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const bitfit& policy() const noexcept { return policy_; }
  void add_to_key(key_hash&) const noexcept {}
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  [[nodiscard]] std::size_t lowest_layer() const noexcept { return lowest_; }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const noexcept {
    return number(layer, site) != none;
  }

  void projected(const call_type& call, projection_site site, matrix_view<const Scalar>, matrix_view<Scalar> y) const {
    if (!touches(site, call.layer)) return;
    const Scalar* b = memory_[number(call.layer, site)].value;
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) y(t, i) += b[i];
    }
  }
  void projected_backward(const call_type& call, projection_site site, matrix_view<const Scalar>,
                          matrix_view<Scalar> dy, matrix_view<Scalar>) {
    if (touches(site, call.layer)) call.multiply.bias_gradient(dy, memory_[number(call.layer, site)].gradient);
  }

  /// @throws config_error  the model has no bias there to merge into
  void merge_into(linear::multiplier<Scalar>&, std::size_t layer, projection_site site, matrix_view<Scalar> w,
                  Scalar* bias) const {
    if (bias == nullptr)
      fail<config_error>(concat("bitfit: merge into layer ", layer, " ", linear::name_of(site)), "a layer with a bias",
                         "one without");
    const Scalar* b = memory_[number(layer, site)].value;
    for (std::size_t i = 0; i < w.rows(); ++i) bias[i] += b[i];
  }

 private:
  [[nodiscard]] std::size_t number(std::size_t layer, projection_site site) const noexcept {
    return numbers_[target_index(layer, site)];
  }

  bitfit policy_;
  std::vector<std::size_t> numbers_;  // (n_layer, site) of parameters, or `none`
  parameter_memory<Scalar> memory_;
  std::size_t lowest_ = none;
};

static_assert(pet_module<bitfit::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class bitfit::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/bitfit.ipp>
#endif

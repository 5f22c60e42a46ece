/// @file IA3: learned factors of the outputs of linear layers and of the FFN's hidden values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/pet/base_weights.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

/// y = l * (W x + b) at targets, y = W (l * x) + b where the target is `down` and a feed-forward one; only l
/// trains. Source: Liu et al. 2022, section 3.3. Training reads the base weights: `llama::bind_base` before.
struct ia3 {
  optim::name_pattern targets = optim::name_pattern::suffixes({"k_proj", "v_proj", "down_proj"});
  optim::name_pattern feedforward = optim::name_pattern::suffixes({"down_proj"});  ///< targets whose input is scaled

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "IA3";
  [[nodiscard]] static ia3 read_peft(peft_fields& fields, const io::model_config& c);
  void write_peft(nlohmann::ordered_json& json, const io::model_config&) const;
};

/// The factors of one model, all 1 at first.
template <class Scalar>
class ia3::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = ia3;
  using call_type = module_call<Scalar>;

  /// @throws config_error  no target matches, or the input of another layer than down is to be scaled
  module(const ia3& policy, const io::model_config& c, std::uint64_t) : policy_(policy), memory_(c) {
    targets_.resize(c.n_layer * linear::projection_sites.size());
    lowest_ = for_each_target(
        policy.targets, c, "ia3",
        [&](std::size_t layer, projection_site site, const std::string& name, std::size_t d_out, std::size_t d_in) {
          const bool input = policy_.feedforward(name);
          if (input && site != projection_site::down)
            fail<config_error>("ia3: feedforward targets", "down_proj alone", name);
          const std::string full = peft_name(name, ".ia3_l");
          const std::size_t number = input ? memory_.add(full, {1, d_in}) : memory_.add(full, {d_out, 1});
          targets_[target_index(layer, site)] = {input ? kind::input : kind::output, number};
        });
    memory_.allocate();
    for (const auto& p : memory_.parameters()) std::fill_n(p.value, p.size(), Scalar(1));
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const ia3& policy() const noexcept { return policy_; }
  void add_to_key(key_hash&) const noexcept {}
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  [[nodiscard]] std::size_t lowest_layer() const noexcept { return lowest_; }
  void bind(base_weights<Scalar> weights) { base_ = std::move(weights); }

  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const noexcept {
    return at(layer, site).what == kind::output;
  }
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const noexcept {
    return (site == projection_site::o || site == projection_site::down) && touches(site, layer);
  }
  [[nodiscard]] bool touches_hidden(std::size_t layer) const noexcept {
    return at(layer, projection_site::down).what == kind::input;
  }

  void projected(const call_type& call, projection_site site, matrix_view<const Scalar>, matrix_view<Scalar> y) const {
    if (touches(site, call.layer))
      scale_columns<Scalar>(call.multiply.tools().team(), factors(call.layer, site).value, y);
  }
  void projected_backward(const call_type& call, projection_site site, matrix_view<const Scalar> x,
                          matrix_view<Scalar> dy, matrix_view<Scalar>) {
    if (!touches(site, call.layer)) return;
    const auto& l = factors(call.layer, site);
    const auto& layer = base_.at(call.layer, site, "ia3");
    buffer<Scalar> memory(dy.rows() * dy.cols());
    const auto y = memory.matrix(dy.rows(), dy.cols());
    base_product(call.multiply, layer.w, x, y);
    for (std::size_t t = 0; layer.bias != nullptr && t < y.rows(); ++t) {
      std::transform(y.row(t), y.row(t) + y.cols(), layer.bias, y.row(t), std::plus<Scalar>());
    }
    add_column_products<Scalar>(call.multiply.tools().team(), dy, y, l.gradient);
    scale_columns<Scalar>(call.multiply.tools().team(), l.value, dy);
  }
  void ffn_hidden(const call_type& call, matrix_view<Scalar> h) const {
    if (touches_hidden(call.layer)) {
      scale_columns<Scalar>(call.multiply.tools().team(), factors(call.layer, projection_site::down).value, h);
    }
  }
  void ffn_hidden_backward(const call_type& call, matrix_view<const Scalar> h, matrix_view<Scalar> dh) {
    if (!touches_hidden(call.layer)) return;
    const auto& l = factors(call.layer, projection_site::down);
    add_column_products<Scalar>(call.multiply.tools().team(), dh, h, l.gradient);
    scale_columns<Scalar>(call.multiply.tools().team(), l.value, dh);
  }

  /// Rows of w (d_out, d_in) and entries of the bias times l, or columns of w times l.
  void merge_into(linear::multiplier<Scalar>& multiply, std::size_t layer, projection_site site, matrix_view<Scalar> w,
                  Scalar* bias) const {
    const Scalar* l = factors(layer, site).value;
    if (at(layer, site).what == kind::input) return scale_columns(multiply.tools().team(), l, w);
    for (std::size_t r = 0; r < w.rows(); ++r) {
      for (std::size_t i = 0; i < w.cols(); ++i) w(r, i) *= l[r];
      if (bias != nullptr) bias[r] *= l[r];
    }
  }

 private:
  enum class kind : std::uint8_t { none, output, input };
  struct target {
    kind what = kind::none;
    std::size_t parameter = 0;
  };

  [[nodiscard]] const target& at(std::size_t layer, projection_site site) const noexcept {
    return targets_[target_index(layer, site)];
  }
  [[nodiscard]] const optim::parameter<Scalar>& factors(std::size_t layer, projection_site site) const noexcept {
    return memory_[at(layer, site).parameter];
  }

  ia3 policy_;
  std::vector<target> targets_;  // (n_layer, site)
  parameter_memory<Scalar> memory_;
  std::size_t lowest_ = none;
  base_weights<Scalar> base_;
};

static_assert(pet_module<ia3::module<float>> && reads_base<ia3::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class ia3::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/ia3.ipp>
#endif

/// @file Bottleneck adapters: small two-layer networks after attention and FFN.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

/// Where adapters stand: after attention and FFN (Houlsby et al. 2019), or after the FFN alone (Pfeiffer et
/// al. 2021).
enum class bottleneck_placement : std::uint8_t { houlsby, pfeiffer };

/// An activation with a threshold of its own.
template <class Activation>
concept has_threshold = requires(Activation& f) {
  f.threshold;
};

/// y' = U f(D y + d) + u + y, before the output y joins the residual stream. Source: Houlsby et al. 2019, section 2.
template <class Activation = activation::silu>
struct bottleneck {
  static_assert((activation::explain<Activation>(), true));

  std::size_t size = 64;  ///< rows of D
  bottleneck_placement placement = bottleneck_placement::houlsby;
  /// Whether y itself is kept. Without it y' = U f(D y + d) + u, which is what ConPET's adapter does.
  bool keeps_output = true;
  Activation activation{};

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "BOTTLENECK";  // our own: PEFT has none and refuses it by name
  [[nodiscard]] static bool is_peft(peft_fields& fields) {
    return fields.text("non_linearity", "") == Activation::name;
  }
  [[nodiscard]] static bottleneck read_peft(peft_fields& fields, const io::model_config&) {
    bottleneck policy;
    policy.size = fields.size("bottleneck_size");
    const std::string where = fields.text("placement", "");
    if (where != "houlsby" && where != "pfeiffer")
      fail<format_error>(fields.at("placement"), "houlsby or pfeiffer", printable(where));
    policy.placement = where == "houlsby" ? bottleneck_placement::houlsby : bottleneck_placement::pfeiffer;
    policy.keeps_output = fields.flag("keeps_output", true);
    fields.expect("non_linearity", Activation::name);
    if constexpr (has_threshold<Activation>) policy.activation.threshold = fields.number("threshold", 0);
    return policy;
  }
  void write_peft(nlohmann::ordered_json& json, const io::model_config&) const {
    json["bottleneck_size"] = size;
    json["placement"] = placement == bottleneck_placement::houlsby ? "houlsby" : "pfeiffer";
    json["keeps_output"] = keeps_output;
    json["non_linearity"] = std::string(Activation::name);
    if constexpr (has_threshold<Activation>) json["threshold"] = activation.threshold;
  }
  /// How many values a module for a model of config `c` has.
  [[nodiscard]] double n_value(const io::model_config& c) const {
    const double n_adapter = static_cast<double>(c.n_layer) * (placement == bottleneck_placement::houlsby ? 2 : 1);
    const double width = static_cast<double>(c.d_model), inner = static_cast<double>(size);
    return n_adapter * (2 * width * inner + width + inner);
  }
};

/// The adapters of one model. With `keeps_output` U and u start at zero, so without an effect; else all starts
/// as PyTorch's linear layers do, in U(-1/sqrt(d_in), 1/sqrt(d_in)).
template <class Activation>
template <class Scalar>
class bottleneck<Activation>::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = bottleneck;
  using call_type = module_call<Scalar>;

  /// @throws config_error  a size of 0 or beyond the model's width
  module(const bottleneck& policy, const io::model_config& c, std::uint64_t seed) :policy_(policy), d_model_(c.d_model),
      memory_(c) {
    if (policy.size == 0 || policy.size > c.d_model)
      fail<config_error>("bottleneck: size", concat("1 .. d_model = ", c.d_model), policy.size);
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      if (policy.placement == bottleneck_placement::houlsby) add(io::layer_name(layer, "self_attn"));
      add(io::layer_name(layer, "mlp"));
    }
    memory_.allocate();
    for (std::size_t i = 0; i < memory_.parameters().size(); ++i) {
      const bool up = i % 4 >= 2;
      if (up && policy.keeps_output) continue;
      random_stream random(seed, i + 1);
      const double bound = 1.0 / std::sqrt(static_cast<double>(up ? policy.size : c.d_model));
      std::generate_n(memory_[i].value, memory_[i].size(),
                      [&] { return static_cast<Scalar>(bound * (2 * random.uniform_double() - 1)); });
    }
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const bottleneck& policy() const noexcept { return policy_; }
  void add_to_key(key_hash& hash) const noexcept {
    hash.add_value(policy_.keeps_output);
    hash.add_value(policy_.activation(Scalar(-1)));
  }
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  static constexpr std::size_t lowest_layer() noexcept { return 0; }
  [[nodiscard]] bool separates(projection_site site, std::size_t) const noexcept {
    return site == projection_site::down ||
           (site == projection_site::o && policy_.placement == bottleneck_placement::houlsby);
  }

  void attention_output(const call_type& call, matrix_view<Scalar> y) const {
    if (separates(projection_site::o, call.layer)) forward(call, first(call.layer, false), y);
  }
  void attention_output_backward(const call_type& call, matrix_view<const Scalar> y, matrix_view<Scalar> dy) {
    if (separates(projection_site::o, call.layer)) backward(call, first(call.layer, false), y, dy);
  }
  void ffn_output(const call_type& call, matrix_view<Scalar> y) const { forward(call, first(call.layer, true), y); }
  void ffn_output_backward(const call_type& call, matrix_view<const Scalar> y, matrix_view<Scalar> dy) {
    backward(call, first(call.layer, true), y, dy);
  }

 private:
  using operand = linear::plain_operand<Scalar>;

  void add(const std::string& place) {
    memory_.add(peft_name(place, ".adapter_down.weight"), {policy_.size, d_model_});
    memory_.add(peft_name(place, ".adapter_down.bias"), {policy_.size});
    memory_.add(peft_name(place, ".adapter_up.weight"), {d_model_, policy_.size});
    memory_.add(peft_name(place, ".adapter_up.bias"), {d_model_});
  }
  // Number of the first of an adapter's four parameters.
  [[nodiscard]] std::size_t first(std::size_t layer, bool behind_ffn) const noexcept {
    return policy_.placement == bottleneck_placement::houlsby ? 8 * layer + (behind_ffn ? 4 : 0) : 4 * layer;
  }
  [[nodiscard]] matrix_view<const Scalar> down(std::size_t p) const noexcept {
    return {memory_[p].value, policy_.size, d_model_};
  }
  [[nodiscard]] matrix_view<const Scalar> up(std::size_t p) const noexcept {
    return {memory_[p + 2].value, d_model_, policy_.size};
  }
  static void add_bias(const Scalar* b, matrix_view<Scalar> y) noexcept {
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) y(t, i) += b[i];
    }
  }

  // u (n_row, size) = D y + d
  void reduce(const call_type& call, std::size_t p, matrix_view<const Scalar> y, matrix_view<Scalar> u) const {
    call.multiply.product(operand::along(y), operand::along(down(p)), u, linear::gemm_output::overwrite);
    add_bias(memory_[p + 1].value, u);
  }
  [[nodiscard]] linear::gemm_output into_output() const noexcept {
    return policy_.keeps_output ? linear::gemm_output::accumulate : linear::gemm_output::overwrite;
  }

  void forward(const call_type& call, std::size_t p, matrix_view<Scalar> y) const {
    buffer<Scalar> memory(y.rows() * policy_.size);
    const auto u = memory.matrix(y.rows(), policy_.size);
    reduce(call, p, y, u);
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = policy_.activation(memory[i]);
    call.multiply.product(operand::along(u), operand::along(up(p)), y, into_output());
    add_bias(memory_[p + 3].value, y);
  }

  void backward(const call_type& call, std::size_t p, matrix_view<const Scalar> y, matrix_view<Scalar> dy) {
    const std::size_t n = y.rows() * policy_.size;
    buffer<Scalar> memory(2 * n);
    const matrix_view<Scalar> u(memory.data(), y.rows(), policy_.size), a(memory.data() + n, y.rows(), policy_.size);
    reduce(call, p, y, u);
    std::transform(u.data(), u.data() + n, a.data(), policy_.activation);
    call.multiply.weight_gradient(dy, a, memory_[p + 2].gradient);
    call.multiply.bias_gradient(dy, memory_[p + 3].gradient);
    call.multiply.product(operand::along(dy), operand::across(up(p)), a, linear::gemm_output::overwrite);
    for (std::size_t i = 0; i < n; ++i) u.data()[i] = a.data()[i] * policy_.activation.derivative(u.data()[i]);
    call.multiply.weight_gradient(u, y, memory_[p].gradient);
    call.multiply.bias_gradient(u, memory_[p + 1].gradient);
    call.multiply.product(operand::along(u), operand::across(down(p)), dy, into_output());
  }

  bottleneck policy_;
  std::size_t d_model_;
  parameter_memory<Scalar> memory_;
};

static_assert(pet_module<bottleneck<>::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class bottleneck<activation::silu>::module<float>;
extern template class bottleneck<activation::relu>::module<float>;
extern template struct bottleneck<activation::silu>;
extern template struct bottleneck<activation::relu>;
#endif

}  // namespace quipu::pet

// A user's own kind of module: a learned factor of each attention's output.
#pragma once

#include <quipu/pet/kinds.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/targets.hpp>

#include <algorithm>

namespace extend {

struct output_gain {
  double most = 4;  ///< factors are limited to this

  static constexpr std::string_view peft_type = "OUTPUT_GAIN";
  static output_gain read_peft(quipu::pet::peft_fields& fields, const quipu::io::model_config&) {
    return {fields.number("most", 4)};
  }
  void write_peft(nlohmann::ordered_json& json, const quipu::io::model_config&) const { json["most"] = most; }

  template <class Scalar>
  class module;
};

template <class Scalar>
class output_gain::module : public quipu::pet::no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = output_gain;
  using call = quipu::pet::module_call<Scalar>;
  using rows = quipu::matrix_view<Scalar>;

  module(const output_gain& policy, const quipu::io::model_config& c, std::uint64_t) : policy_(policy), memory_(c) {
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      memory_.add(quipu::pet::peft_name(quipu::io::layer_name(layer, "self_attn"), ".gain"), {1, 1});
    }
    memory_.allocate();
    for (const auto& p : memory_.parameters()) p.value[0] = 1;
  }
  std::span<const quipu::optim::parameter<Scalar>> parameters() const { return memory_.parameters(); }
  const output_gain& policy() const { return policy_; }
  bool fits(const quipu::io::model_config& c) const { return memory_.fits(c); }
  std::size_t lowest_layer() const { return 0; }
  void add_to_key(quipu::pet::key_hash& hash) const { hash.add_value(policy_.most); }
  bool separates(quipu::pet::projection_site site, std::size_t) const {
    return site == quipu::pet::projection_site::o;
  }
  void attention_output(const call& c, rows y) const {
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) y(t, i) *= factor(c.layer);
    }
  }
  void attention_output_backward(const call& c, quipu::matrix_view<const Scalar> y, rows dy) {
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) {
        memory_[c.layer].gradient[0] += dy(t, i) * y(t, i);
        dy(t, i) *= factor(c.layer);
      }
    }
  }

 private:
  Scalar factor(std::size_t layer) const {
    return std::min(memory_[layer].value[0], static_cast<Scalar>(policy_.most));
  }
  output_gain policy_;
  quipu::pet::parameter_memory<Scalar> memory_;
};

}  // namespace extend

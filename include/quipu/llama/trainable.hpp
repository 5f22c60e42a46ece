/// @file A model in training: its own copy of all weights, in plain floating point, with gradients.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/weight_gradients.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::llama {

namespace detail {

/// Plain copies of all weights of a model and the list of their names. Matrices without data become zero.
template <class Scalar>
class weight_copier {
 public:
  explicit weight_copier(const config& c) : config_(c) {}

  /// @tparam Source  scalar of the vectors of the model that is copied
  template <class Source>
  void run(const llama::weights<Source>& from) {
    built.embedding = matrix(std::string(io::embedding_name), from.embedding);
    for (std::size_t layer = 0; layer < from.blocks.size(); ++layer) block(layer, from.blocks[layer]);
    built.final_norm = vector(std::string(io::final_norm_name), from.final_norm, config_.d_model);
    built.head = config_.tied_embeddings ? built.embedding : matrix(std::string(io::head_name), from.head);
  }

  llama::weights<Scalar> built;
  optim::parameter_set<Scalar> parameters;

 private:
  Scalar* add(std::string name, std::vector<std::size_t> shape) {
    optim::parameter<Scalar> p{std::move(name), std::move(shape)};
    auto memory = std::make_shared<buffer<Scalar>>(p.size());
    p.value = memory->data();
    built.memory.push_back(std::move(memory));
    parameters.push_back(std::move(p));
    return parameters.back().value;
  }
  [[nodiscard]] linear::stored_matrix matrix(std::string name, const linear::stored_matrix& from) {
    Scalar* values = add(std::move(name), {from.rows, from.cols});
    if (from.empty()) return linear::store_plain<Scalar>(values, from.rows, from.cols);
    for (std::size_t r = 0; r < from.rows; ++r)
      io::dequantise_row(from.type, from.row(r), values + r * from.cols, from.cols);
    return linear::store_plain<Scalar>(values, from.rows, from.cols);
  }
  template <class Source>
  [[nodiscard]] const Scalar* vector(std::string name, const Source* from, std::size_t n) {
    if (from == nullptr) return nullptr;
    Scalar* values = add(std::move(name), {n});
    std::transform(from, from + n, values, [](Source x) { return static_cast<Scalar>(x); });
    return values;
  }

  template <class Source>
  void block(std::size_t layer, const block_weights<Source>& from) {
    const auto name = [&](const char* part) { return io::layer_name(layer, part); };
    const config& c = config_;
    block_weights<Scalar> b;
    b.attention_norm = vector(name("input_layernorm.weight"), from.attention_norm, c.d_model);
    b.q = matrix(name("self_attn.q_proj.weight"), from.q);
    b.q_bias = vector(name("self_attn.q_proj.bias"), from.q_bias, c.d_q());
    b.k = matrix(name("self_attn.k_proj.weight"), from.k);
    b.k_bias = vector(name("self_attn.k_proj.bias"), from.k_bias, c.d_kv());
    b.v = matrix(name("self_attn.v_proj.weight"), from.v);
    b.v_bias = vector(name("self_attn.v_proj.bias"), from.v_bias, c.d_kv());
    b.o = matrix(name("self_attn.o_proj.weight"), from.o);
    b.o_bias = vector(name("self_attn.o_proj.bias"), from.o_bias, c.d_model);
    b.ffn_norm = vector(name("post_attention_layernorm.weight"), from.ffn_norm, c.d_model);
    b.ffn.gate = matrix(name("mlp.gate_proj.weight"), from.ffn.gate);
    b.ffn.gate_bias = vector(name("mlp.gate_proj.bias"), from.ffn.gate_bias, c.d_ffn);
    b.ffn.up = matrix(name("mlp.up_proj.weight"), from.ffn.up);
    b.ffn.up_bias = vector(name("mlp.up_proj.bias"), from.ffn.up_bias, c.d_ffn);
    b.ffn.down = matrix(name("mlp.down_proj.weight"), from.ffn.down);
    b.ffn.down_bias = vector(name("mlp.down_proj.bias"), from.ffn.down_bias, c.d_model);
    built.blocks.push_back(b);
  }

  const config& config_;
};

/// A checkpoint of parameters, without copying them.
template <class Scalar>
[[nodiscard]] io::checkpoint checkpoint_view(const model_identity& identity,
                                             std::span<const optim::parameter<Scalar>> parameters) {
  io::checkpoint out;
  out.path = identity.path;
  out.config = identity.config;
  out.further = identity.content->tensors();
  out.metadata = identity.content->metadata();
  for (const optim::parameter<Scalar>& p : parameters) {
    out.tensors[p.name] = {sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32, p.shape,
                           std::as_bytes(std::span<const Scalar>(p.value, p.size()))};
  }
  return out;
}

}  // namespace detail

/// A model whose weights may be written: made by `thaw`, turned back by `freeze`. Copies share the weights.
///
/// @tparam Policies  with storage and scalar of one plain type
template <class Policies>
class trainable_model {
 public:
  using model_type = basic_model<Policies>;
  using scalar_type = typename model_type::scalar_type;
  using ffn_type = policy_of<Policies, role::ffn>;
  static_assert((ffn::explain_trainable<ffn_type>(), true));

  trainable_model(std::shared_ptr<const model_identity> identity, llama::weights<scalar_type> w,
                  optim::parameter_set<scalar_type> parameters, Policies chosen)
      : model_(std::move(identity), changing(std::move(w)), std::move(chosen)),
        parameters_(std::move(parameters)) {}

  /// The model as it stands; it sees every change of the weights.
  [[nodiscard]] const model_type& model() const noexcept { return model_; }
  [[nodiscard]] std::span<const optim::parameter<scalar_type>> parameters() const noexcept { return parameters_; }
  [[nodiscard]] const weight_gradients<scalar_type>& gradients() const noexcept { return gradients_; }

  /// Decides which tensors train, by name ("model.layers.0.self_attn.q_proj.weight"); the others get no
  /// gradients, and products that only they would need are not computed.
  /// @return how many values train
  std::size_t select(const optim::name_pattern& wanted) {
    std::size_t n = 0;
    memory_.clear();
    for (optim::parameter<scalar_type>& p : parameters_) {
      p.gradient = nullptr;
      if (!wanted(p.name)) continue;
      memory_.push_back(std::make_shared<buffer<scalar_type>>(p.size()));
      p.gradient = memory_.back()->data();
      n += p.size();
    }
    bind();
    return n;
  }

  /// Whether a module is merged into the weights; copies know it of each other, since they share them.
  [[nodiscard]] bool is_merged() const noexcept { return *merged_; }
  void mark_merged(bool merged) noexcept { *merged_ = merged; }

  /// A copy that later training does not touch. What files made for its weights are keyed by is their own hash.
  [[nodiscard]] model_type freeze() const {
    detail::weight_copier<scalar_type> copy(model_.config());
    copy.run(model_.weights());
    auto weights = std::make_shared<const llama::weights<scalar_type>>(std::move(copy.built));
    auto identity = std::make_shared<model_identity>(*model_.identity());
    identity->content = std::make_shared<const io::checkpoint_content>(
        detail::checkpoint_view<scalar_type>(*identity, copy.parameters), weights);
    return model_type(std::move(identity), std::move(weights), model_.chosen());
  }

 private:
  // No kernel may find what another made of weights that have changed since.
  [[nodiscard]] static std::shared_ptr<const llama::weights<scalar_type>> changing(llama::weights<scalar_type> w) {
    w.forms = nullptr;
    return std::make_shared<const llama::weights<scalar_type>>(std::move(w));
  }
  void bind() {
    gradients_ = {};
    gradients_.blocks.resize(model_.config().n_layer);
    const auto of = [&](std::string_view name) -> scalar_type* {
      const auto* p = optim::find<scalar_type>(parameters_, name);
      return p == nullptr ? nullptr : p->gradient;
    };
    gradients_.embedding = of(io::embedding_name);
    gradients_.final_norm = of(io::final_norm_name);
    gradients_.head = model_.config().tied_embeddings ? gradients_.embedding : of(io::head_name);
    for (std::size_t layer = 0; layer < gradients_.blocks.size(); ++layer) {
      const auto in = [&](const char* part) { return of(io::layer_name(layer, part)); };
      gradients_.blocks[layer] = {in("input_layernorm.weight"),  in("self_attn.q_proj.weight"),
                                  in("self_attn.k_proj.weight"), in("self_attn.v_proj.weight"),
                                  in("self_attn.o_proj.weight"), in("self_attn.q_proj.bias"),
                                  in("self_attn.k_proj.bias"),   in("self_attn.v_proj.bias"),
                                  in("self_attn.o_proj.bias"),   in("post_attention_layernorm.weight"),
                                  {in("mlp.gate_proj.weight"), in("mlp.up_proj.weight"), in("mlp.down_proj.weight"),
                                   in("mlp.gate_proj.bias"), in("mlp.up_proj.bias"), in("mlp.down_proj.bias")}};
    }
  }

  model_type model_;
  optim::parameter_set<scalar_type> parameters_;
  weight_gradients<scalar_type> gradients_;
  std::vector<std::shared_ptr<buffer<scalar_type>>> memory_;
  std::shared_ptr<bool> merged_ = std::make_shared<bool>(false);
};

/// Policies of the trainable copy of a model: the same FFN, everything else in plain `Scalar`.
template <class Policies, class Scalar>
using thawed_policies =
    model_policies<policy_of<Policies, role::ffn>, std::conditional_t<sizeof(Scalar) == 8, storage::f64, storage::f32>,
                   activations::f32, kv::exact, scalar::of<Scalar>, policy_of<Policies, role::isa>>;

/// A trainable copy of a model, all weights widened to `Scalar` (float or double). Nothing trains until
/// `select` is called.
template <class Scalar, class Policies>
[[nodiscard]] auto thaw(const basic_model<Policies>& m) {
  using policies = thawed_policies<Policies, Scalar>;
  detail::weight_copier<Scalar> copy(m.config());
  copy.run(m.weights());
  return trainable_model<policies>(m.identity(), std::move(copy.built), std::move(copy.parameters),
                                   policies().replace(m.ffn()));
}

}  // namespace quipu::llama

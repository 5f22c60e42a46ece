/// @file A model with what an adapter changes of its own tensors: heads, embeddings, norms, biases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/weights.hpp>
#include <quipu/pet/base_changes.hpp>

namespace quipu::llama {

namespace detail {

/// Puts other tensors into a copy of a model's weights; what does not change stays shared.
template <class Scalar>
class base_changer {
 public:
  base_changer(const llama::weights<Scalar>& from, llama::config c) : weights_(from), config_(std::move(c)) {
    weights_.forms = std::make_shared<ffn::form_cache>();
    add_matrix(io::embedding_name, weights_.embedding);
    add_matrix(io::head_name, weights_.head);
    add_vector(io::final_norm_name, weights_.final_norm, config_.d_model);
    for (std::size_t layer = 0; layer < weights_.blocks.size(); ++layer) {
      block_weights<Scalar>& b = weights_.blocks[layer];
      const auto name = [&](std::string_view part) { return io::layer_name(layer, part); };
      add_vector(name("input_layernorm.weight"), b.attention_norm, config_.d_model);
      add_vector(name("post_attention_layernorm.weight"), b.ffn_norm, config_.d_model);
      add_linear(name("self_attn.q_proj"), b.q, b.q_bias);
      add_linear(name("self_attn.k_proj"), b.k, b.k_bias);
      add_linear(name("self_attn.v_proj"), b.v, b.v_bias);
      add_linear(name("self_attn.o_proj"), b.o, b.o_bias);
      add_linear(name("mlp.gate_proj"), b.ffn.gate, b.ffn.gate_bias);
      add_linear(name("mlp.up_proj"), b.ffn.up, b.ffn.up_bias);
      add_linear(name("mlp.down_proj"), b.ffn.down, b.ffn.down_bias);
    }
  }

  void run(const pet::base_changes& changes, double scale) {
    const bool was_tied = config_.tied_embeddings;
    for (const auto& change : changes.replaced) {
      if (change.name.ends_with(".bias")) use_biases(change.name);
      replace(change.name, io::values_of<Scalar>(change.values));
    }
    for (const auto& change : changes.rows) replace_rows(change);
    for (const auto& change : changes.added) add_product(change, scale);
    for (const auto& change : changes.biases) {
      use_biases(change.name);
      std::vector<Scalar> sum(vectors_.at(change.name).n);
      const Scalar* old = *vectors_.at(change.name).place;
      const auto more = io::values_of<Scalar>(change.values);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = old[i] + static_cast<Scalar>(scale * change.scale) * more[i];
      replace(change.name, sum);
    }
    if (!was_tied) return;
    // A head that was the embedding stays what it was, unless the adapter ties the two or trained rows of both.
    const bool own_head = replaced_.contains(io::head_name);
    const bool new_embedding = replaced_.contains(io::embedding_name);
    if (!own_head && new_embedding && (changes.ties_weights || !changes.rows.empty())) {
      weights_.head = weights_.embedding;
    } else if (own_head && !new_embedding && changes.ties_weights) {
      weights_.embedding = weights_.head;
      replaced_[std::string(io::embedding_name)] = replaced_.find(io::head_name)->second;
    } else if (own_head || new_embedding) {
      config_.tied_embeddings = false;
      if (!own_head) replaced_[std::string(io::head_name)] = view_of(weights_.head);
    }
    if (config_.tied_embeddings) replaced_.erase(std::string(io::head_name));
  }

  [[nodiscard]] const llama::config& config() const noexcept { return config_; }
  [[nodiscard]] llama::weights<Scalar> take() { return std::move(weights_); }
  [[nodiscard]] const std::map<std::string, io::tensor_view, std::less<>>& replaced() const noexcept { return replaced_; }

 private:
  struct vector_place {
    const Scalar** place;
    std::size_t n;
  };

  void add_matrix(std::string_view name, linear::stored_matrix& m) { matrices_[std::string(name)] = &m; }
  void add_vector(std::string_view name, const Scalar*& v, std::size_t n) { vectors_[std::string(name)] = {&v, n}; }
  void add_linear(const std::string& name, linear::stored_matrix& m, const Scalar*& bias) {
    add_matrix(name + ".weight", m);
    add_vector(name + ".bias", bias, m.rows);
  }

  [[nodiscard]] static io::tensor_view view_of(const linear::stored_matrix& m) {
    return {m.type, {m.rows, m.cols}, {m.data, m.rows * m.stride}};
  }

  void replace(const std::string& name, const std::vector<Scalar>& values) {
    auto memory = std::make_shared<buffer<Scalar>>(values.size());
    std::copy(values.begin(), values.end(), memory->data());
    const Scalar* data = memory->data();
    weights_.memory.push_back(std::move(memory));
    io::tensor_view view{sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32, {values.size()},
                         std::as_bytes(std::span<const Scalar>(data, values.size()))};
    if (const auto m = matrices_.find(name); m != matrices_.end()) {
      const std::size_t rows = m->second->rows, cols = m->second->cols;
      *m->second = linear::store_plain<Scalar>(data, rows, cols);
      view.shape = {rows, cols};
    } else {
      *vectors_.at(name).place = data;
    }
    replaced_[name] = std::move(view);
  }

  // (n_vocab, d_model) in plain numbers, as it stands.
  [[nodiscard]] std::vector<Scalar> plain(const std::string& name) const {
    const linear::stored_matrix& m = *matrices_.at(name);
    std::vector<Scalar> values(m.rows * m.cols);
    for (std::size_t r = 0; r < m.rows; ++r) io::dequantise_row(m.type, m.row(r), values.data() + r * m.cols, m.cols);
    return values;
  }

  void replace_rows(const pet::base_changes::token_rows& change) {
    std::vector<Scalar> values = plain(change.name);
    const std::size_t cols = matrices_.at(change.name)->cols;
    const std::vector<Scalar> rows = io::values_of<Scalar>(change.rows);
    for (std::size_t i = 0; i < change.tokens.size(); ++i) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * cols), cols,
                  values.begin() + static_cast<std::ptrdiff_t>(change.tokens[i] * cols));
    }
    replace(change.name, values);
  }

  void add_product(const pet::base_changes::low_rank& change, double scale) {
    std::vector<Scalar> values = plain(change.name);
    const std::size_t n_vocab = matrices_.at(change.name)->rows, d_model = matrices_.at(change.name)->cols;
    const std::size_t rank = change.a.shape[0];
    const auto a = io::values_of<Scalar>(change.a), b = io::values_of<Scalar>(change.b);
    const auto factor = static_cast<Scalar>(scale * change.scale);
    std::vector<Scalar> inner(rank * d_model);  // (rank, d_model): what every token is a mixture of
    if (!change.transposed) {
      inner = a;
    } else {
      for (std::size_t i = 0; i < d_model; ++i) {
        for (std::size_t r = 0; r < rank; ++r) inner[r * d_model + i] = b[i * rank + r];
      }
    }
    for (std::size_t token = 0; token < n_vocab; ++token) {
      Scalar* row = values.data() + token * d_model;
      for (std::size_t r = 0; r < rank; ++r) {
        const Scalar c = factor * (change.transposed ? a[r * n_vocab + token] : b[token * rank + r]);
        for (std::size_t i = 0; i < d_model; ++i) row[i] += c * inner[r * d_model + i];
      }
    }
    replace(change.name, values);
  }

  // A model has all biases of its attention, or of its FFN, or none: those that no file states are zero.
  void use_biases(const std::string& name) {
    bool& stated = name.find(".mlp.") == std::string::npos ? config_.attention_bias : config_.mlp_bias;
    if (stated) return;
    stated = true;
    const std::string_view part = &stated == &config_.mlp_bias ? ".mlp." : ".self_attn.";
    for (const auto& [other, vector] : vectors_) {
      if (other.ends_with(".bias") && other.find(part) != std::string::npos) replace(other, std::vector<Scalar>(vector.n));
    }
  }

  llama::weights<Scalar> weights_;
  llama::config config_;
  std::map<std::string, linear::stored_matrix*> matrices_;
  std::map<std::string, vector_place> vectors_;
  std::map<std::string, io::tensor_view, std::less<>> replaced_;
};

}  // namespace detail

/// The model with the tensors that an adapter brings or changes, in plain numbers; all others stay shared. A head that
/// was tied to the embedding becomes its own where only one of the two changes, as in PEFT. What is made of the new
/// model (sessions, trainable copies, merged weights, exported checkpoints) has the changes.
///
/// @param scale  strength of what is added to weights
/// @throws config_error  a scale other than 1 for tensors that are replaced
template <class Policies>
[[nodiscard]] basic_model<Policies> with_base_changes(const basic_model<Policies>& m, const pet::base_changes& changes,
                                                      double scale = 1, const build_options& options = {}) {
  using scalar = scalar_of<Policies>;
  if (changes.empty()) return m;
  if (scale != 1 && (!changes.replaced.empty() || !changes.rows.empty())) {
    fail<config_error>(concat("scale of an adapter that replaces ", changes.first()), 1, scale);
  }
  detail::base_changer<scalar> changer(m.weights(), m.config());
  changer.run(changes, scale);
  auto weights = std::make_shared<const llama::weights<scalar>>(changer.take());
  auto identity = std::make_shared<model_identity>(*m.identity());
  identity->config = changer.config();
  identity->content = io::checkpoint_content::with(m.identity()->content, identity->config, changer.replaced(), weights);
  return basic_model<Policies>(std::move(identity), std::move(weights), m.chosen(), options);
}

}  // namespace quipu::llama

#if defined(QUIPU_COMPILED)  // in with_base_changes.ipp
namespace quipu::llama {
extern template class detail::base_changer<float>;
}
#endif

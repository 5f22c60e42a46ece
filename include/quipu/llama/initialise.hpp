/// @file A new model with random weights, to be trained from scratch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/text/any_tokenizer.hpp>

namespace quipu::llama {

namespace detail {

/// The shapes of a model, with ones in the norms, zeros in the biases and no matrices.
template <class Scalar>
struct weight_shapes {
  explicit weight_shapes(const config& c)
      : ones(c.d_model, Scalar(1)), zeros(std::max({c.d_model, c.d_q(), c.d_ffn}), Scalar(0)) {
    const auto matrix = [](std::size_t rows, std::size_t cols) {
      return linear::store_plain<Scalar>(nullptr, rows, cols);
    };
    const Scalar* attention_bias = c.attention_bias ? zeros.data() : nullptr;
    const Scalar* mlp_bias = c.mlp_bias ? zeros.data() : nullptr;
    block_weights<Scalar> b;
    b.attention_norm = b.ffn_norm = ones.data();
    b.q = matrix(c.d_q(), c.d_model);
    b.k = b.v = matrix(c.d_kv(), c.d_model);
    b.o = matrix(c.d_model, c.d_q());
    b.q_bias = b.k_bias = b.v_bias = b.o_bias = attention_bias;
    b.ffn.gate = b.ffn.up = matrix(c.d_ffn, c.d_model);
    b.ffn.down = matrix(c.d_model, c.d_ffn);
    b.ffn.gate_bias = b.ffn.up_bias = b.ffn.down_bias = mlp_bias;
    shapes.blocks.assign(c.n_layer, b);
    shapes.embedding = shapes.head = matrix(c.n_vocab, c.d_model);
    shapes.final_norm = ones.data();
  }

  std::vector<Scalar> ones, zeros;
  llama::weights<Scalar> shapes;
};

}  // namespace detail

/// A trainable model of some architecture: matrices from N(0, 0.02^2), those that write to the residual stream
/// divided by sqrt(2 n_layer), norms 1, biases 0. Source: Radford et al. 2019, section 2.3.
///
/// @tparam Scalar  float or double
/// @tparam Ffn     its activation becomes the model's hidden_act
/// @throws config_error  sizes that contradict one another
template <class Scalar, class Ffn>
[[nodiscard]] auto initialise(config c, std::uint64_t seed, text::any_tokenizer tokenizer = {}, Ffn ffn = {}) {
  const bool complete =
      c.d_model > 0 && c.d_ffn > 0 && c.n_layer > 0 && c.n_head > 0 && c.n_kv_head > 0 && c.n_vocab > 0 && c.n_ctx > 0;
  if (!complete) fail<config_error>("initialise: config", "sizes above 0", "a size of 0");
  if (c.n_head % c.n_kv_head != 0)
    fail<config_error>("initialise: n_head", concat("a multiple of n_kv_head = ", c.n_kv_head), c.n_head);
  if (c.d_head == 0 || c.d_head % 2 != 0) fail<config_error>("initialise: d_head", "an even number above 0", c.d_head);
  state_activation(ffn.activation, c);
  const detail::weight_shapes<Scalar> shapes(c);
  detail::weight_copier<Scalar> copy(c);
  copy.run(shapes.shapes);
  const double narrow = 1 / std::sqrt(2.0 * static_cast<double>(c.n_layer));
  const auto into_residual = optim::name_pattern::suffixes({"o_proj.weight", "down_proj.weight"});
  std::uint64_t stream = 0;
  for (const auto& p : copy.parameters) {
    random_stream random(seed, stream++);
    if (p.shape.size() < 2) continue;
    const double deviation = 0.02 * (into_residual(p.name) ? narrow : 1.0);
    std::generate_n(p.value, p.size(), [&] { return static_cast<Scalar>(deviation * random.normal()); });
  }
  auto identity = std::make_shared<model_identity>();
  identity->config = std::move(c);
  identity->tokenizer = std::move(tokenizer);
  identity->path = "a new model";
  identity->format = "random weights";
  using policies = model_policies<Ffn, std::conditional_t<sizeof(Scalar) == 8, storage::f64, storage::f32>,
                                  activations::f32, kv::exact, scalar::of<Scalar>>;
  return trainable_model<policies>(std::move(identity), std::move(copy.built), std::move(copy.parameters),
                                   policies().replace(std::move(ffn)));
}

}  // namespace quipu::llama

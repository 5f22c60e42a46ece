/// @file Loss and sparsity of a model on a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/thread_team.hpp>
#include <quipu/llama/loss.hpp>  // loss_sum
#include <quipu/llama/training_batch.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/schedule/lambda.hpp>
#include <quipu/sparsity/regularised_hooks.hpp>
#include <quipu/sparsity/regulariser.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::prosparse {

/// How a model does on a text: the same numbers with any number of threads.
struct figures {
  double loss = 0;               ///< nats a token
  std::size_t n_target = 0;      ///< tokens that were predicted
  double sparsity = 0;           ///< share of f(gate) * up that is 0: the mean over layers and tokens
  std::vector<double> by_layer{};  ///< (n_layer)

  [[nodiscard]] nlohmann::ordered_json json() const {
    return {{"loss", loss}, {"n_target", n_target}, {"sparsity", sparsity}, {"sparsity_by_layer", by_layer}};
  }
};

/// @param model  any with an FFN kernel that shows its hidden values; frozen, in any storage
/// @throws config_error  sequences longer than the model's context
template <class Model, train::example_source Source>
[[nodiscard]] figures measure(const Model& model, const Source& source, const thread_team& team = thread_team(), std::size_t batch_size = 8) {
  using scalar = typename Model::scalar_type;
  llama::training_pass pass(model, team);
  sparsity::regularised_hooks<scalar, sparsity::l1_hidden, schedule::constant_lambda> hooks({}, schedule::constant_lambda(0), model.config(), team);
  hooks.evaluate();
  llama::loss_sum total;
  for (std::size_t i = 0; i < source.size();) {
    llama::training_batch batch;
    for (std::size_t j = 0; j < std::max<std::size_t>(batch_size, 1) && i < source.size(); ++j) source.add(i++, batch);
    total += pass.loss(batch, hooks);
  }
  figures found{total.mean(), total.n_counted, hooks.evaluated_activity().sparsity().value_or(0)};
  for (std::size_t layer = 0; layer < model.config().n_layer; ++layer)
    found.by_layer.push_back(hooks.evaluated_activity().sparsity(layer).value_or(0));
  return found;
}

}  // namespace quipu::prosparse

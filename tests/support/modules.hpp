/// @file What the tests of parameter-efficient modules share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/training_pass.hpp>

namespace quipu::test {

/// An empty batch with the virtual rows and the prefix that hooks ask for.
template <class Scalar, class Hooks>
llama::training_batch batch_for(const Hooks& hooks) {
  return {hooks.n_virtual(), hooks.template prefix<Scalar>(0).n_row};
}

/// Logits of all rows of a batch: (n_row * n_vocab).
template <class Pass, class Hooks>
auto batch_logits(Pass& pass, const llama::training_batch& batch, Hooks& hooks) {
  using scalar = typename Pass::scalar_type;
  const auto hidden = pass.evaluate(batch, hooks);
  const auto& head = pass.model().weights().head;
  std::vector<scalar> logits(hidden.rows() * head.rows);
  const linear::projection<scalar> product{&head, nullptr, {logits.data(), hidden.rows(), head.rows}};
  pass.projector().run(hidden, {&product, 1});
  return logits;
}

/// Adds normal numbers to all values.
template <class Module>
void shake(Module& module, double deviation, std::uint64_t seed = 9) {
  random_stream random(seed);
  for (const auto& p : module.parameters()) {
    for (std::size_t i = 0; i < p.size(); ++i)
      p.value[i] += static_cast<typename Module::scalar_type>(deviation * random.normal());
  }
}

/// Compares the gradients that a module holds with central differences of the loss at a few entries of every parameter.
/// @param skip  parameters whose differences are not their gradients
template <class Pass, class Hooks, class Module, class Skip>
void compare_with_differences(Pass& pass, Hooks& hooks, Module& module, const llama::training_batch& batch,
                              Skip&& skip) {
  double worst = 0, largest = 0;
  for (const auto& p : module.parameters()) {
    if (skip(p.name)) continue;
    for (std::size_t i = 0; i < p.size(); i += std::max<std::size_t>(p.size() / 3, 1)) {
      const double kept = p.value[i];
      p.value[i] = kept + 1e-5;
      const double above = pass.loss(batch, hooks).mean();
      p.value[i] = kept - 1e-5;
      const double below = pass.loss(batch, hooks).mean();
      p.value[i] = kept;
      worst = std::max(worst, std::abs((above - below) / 2e-5 - p.gradient[i]));
      largest = std::max(largest, std::abs(p.gradient[i]));
    }
  }
  CHECK(largest > 1e-3);
  CHECK(worst / largest < 1e-6);
}

/// Works the gradients out, dropout included, and compares them.
template <class Model, class Module, class Skip>
void check_differences(const Model& m, Module& module, const llama::training_batch& batch, llama::tape_depth depth,
                       Skip&& skip) {
  llama::training_pass pass(m, thread_team(2), depth);
  llama::module_hooks hooks(module, pass.workspace());
  hooks.train(3);
  optim::zero_gradients<double>(thread_team(1), module.parameters());
  static_cast<void>(pass.step(batch, batch.n_counted(), hooks, {}));
  compare_with_differences(pass, hooks, module, batch, skip);
}
template <class Model, class Module>
void check_differences(const Model& m, Module& module, const llama::training_batch& batch, llama::tape_depth depth) {
  check_differences(m, module, batch, depth, [](const std::string&) { return false; });
}

}  // namespace quipu::test

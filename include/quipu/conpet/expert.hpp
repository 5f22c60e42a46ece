/// @file A module with its head: what is trained for a task, and how.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/pooled_classification.hpp>
#include <quipu/core/error.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/mixed_module_hooks.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/pet/linear_head.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/train/trainer.hpp>

namespace quipu::conpet {

/// Name of the heads in PEFT folders.
inline constexpr const char* head_name = "classifier";

/// A module and the head on it, shared by those that predict with them.
template <class Module>
struct expert {
  using scalar_type = typename Module::scalar_type;
  std::shared_ptr<Module> module;
  std::shared_ptr<pet::linear_head<scalar_type>> head;

  [[nodiscard]] std::vector<optim::parameter<scalar_type>> parameters() const {
    std::vector<optim::parameter<scalar_type>> all(module->parameters().begin(), module->parameters().end());
    all.insert(all.end(), head->parameters().begin(), head->parameters().end());
    return all;
  }
};

/// How a module and its head are trained: AdamW, the learning rate rising for some steps and then falling to 0 in a straight line.
struct expert_training {
  double learning_rate = 2e-3;
  double head_learning_rate = 1e-2;  ///< a head starts from nothing while the states under it are already good
  double weight_decay = 0.01;
  double eps = 1e-8;                 ///< of AdamW; ConPET's code has 1e-4, since it trains in half precision
  double max_gradient_norm = 1;
  std::size_t n_step = 150;          ///< of a task, however many came before it
  std::size_t batch_size = 16;
  std::size_t n_warm_up = 10;
  bool constant_rate = false;        ///< no warm-up and no fall, as in ConPET's code
  std::function<bool(const train::step_report&)> progress{};  ///< false cancels
};

/// Trains both from the values that they have. What comes out depends on nothing but model, values, examples, order, seed and settings.
/// @param additions  of a method against forgetting
/// @param also       parameters that train beside the two, at the head's learning rate
/// @throws cancelled  `progress` said so
/// @throws as `train::trainer::run`
template <class Pass, class Module, train::batch_order Order>
train::training_result train_expert(Pass& pass, const expert<Module>& e, cached_block_inputs<Pass>& inputs, const target_examples& examples, Order order,
                                    std::uint64_t seed, const expert_training& how, step_additions additions = {},
                                    std::span<const optim::parameter<typename Pass::scalar_type>> also = {}) {
  using scalar = typename Pass::scalar_type;
  llama::bind_base(*e.module, pass.model());
  llama::module_hooks hooks(*e.module, pass.workspace());
  auto parameters = e.parameters();
  std::vector<std::string> at_heads_rate{concat(head_name, ".weight"), concat(head_name, ".bias")};
  for (const auto& p : also) {
    parameters.push_back(p);
    at_heads_rate.push_back(p.name);
  }
  const auto run = [&](auto schedule) {
    train::trainer training(
        pass, std::span<const optim::parameter<scalar>>(parameters), llama::weight_gradients<scalar>(),
        optim::adamw{.learning_rate = how.learning_rate, .eps = how.eps, .weight_decay = how.weight_decay}, schedule,
        train::trainer_options{
            .n_step = how.n_step, .batch_size = how.batch_size, .max_gradient_norm = how.max_gradient_norm, .seed = seed, .progress = how.progress},
        {{.which = optim::name_pattern::suffixes(at_heads_rate), .learning_rate_factor = how.head_learning_rate / how.learning_rate}},
        pooled_classification<Pass>(*e.head, inputs, additions), std::move(order));
    return training.run(examples, hooks);
  };
  const train::training_result result =
      how.constant_rate ? run(schedule::constant{}) : run(schedule::damped_linear{how.n_warm_up, std::max<std::size_t>(1, how.n_step)});
  if (!result.finished) throw cancelled(concat("training stopped after step ", result.step));
  return result;
}

/// A text and the expert that is to look at it.
template <class Module>
struct routed_text {
  const encoded_example* text = nullptr;
  const expert<Module>* who = nullptr;
};

/// What an expert gives for a text.
template <class Scalar>
struct expert_output {
  std::vector<Scalar> state;   ///< (d_model) mean of the chosen rows
  std::vector<Scalar> logits;  ///< (n_class) of the expert's head
};

/// States and logits of texts, each by its own expert: one pass of the base over all of them, with the modules' products grouped.
template <class Pass, class Module>
[[nodiscard]] std::vector<expert_output<typename Pass::scalar_type>> expert_outputs(Pass& pass, cached_block_inputs<Pass>& inputs,
                                                                                   std::span<const routed_text<Module>> routed) {
  using scalar = typename Pass::scalar_type;
  std::vector<expert_output<scalar>> all;
  for (std::size_t first = 0; first < routed.size();) {
    const std::size_t n = examples_within(first, routed.size(), rows_of_pass, [&](std::size_t i) -> const auto& { return *routed[i].text; });
    target_batch batch;
    std::vector<std::shared_ptr<Module>> modules;
    for (std::size_t i = first; i < first + n; ++i) {
      const auto& m = routed[i].who->module;
      batch.add(routed[i].text->tokens, {}, m->n_virtual(), m->template prefix<scalar>().n_row);
      batch.texts.push_back(routed[i].text);
      modules.push_back(m);
    }
    llama::mixed_module_hooks<Module> hooks(std::move(modules), pass.workspace());
    const auto hidden = pass.evaluate(batch, hooks, inputs.start(batch.texts));
    const auto ranges = batch.ranges();
    llama::check_ranges(batch.segments(), ranges);
    std::vector<scalar> pooled(n * hidden.cols());
    llama::pool_rows<scalar>(hidden, batch.segments(), ranges, {pooled.data(), n, hidden.cols()});
    for (std::size_t i = 0; i < n; ++i) {
      const auto& head = *routed[first + i].who->head;
      const auto w = head.weight();
      const scalar* const own = pooled.data() + i * hidden.cols();
      auto& out = all.emplace_back(expert_output<scalar>{{own, own + hidden.cols()}, std::vector<scalar>(w.rows)});
      const linear::projection<scalar> product{&w, head.bias(), {out.logits.data(), 1, w.rows}};
      pass.projector().run({own, 1, hidden.cols()}, {&product, 1});
    }
    first += n;
  }
  return all;
}

/// The logits alone.
/// @return of each text as many logits as its expert's head has classes
template <class Pass, class Module>
[[nodiscard]] std::vector<std::vector<typename Pass::scalar_type>> expert_logits(Pass& pass, cached_block_inputs<Pass>& inputs,
                                                                                std::span<const routed_text<Module>> routed) {
  std::vector<std::vector<typename Pass::scalar_type>> all;
  for (auto& out : expert_outputs<Pass, Module>(pass, inputs, routed)) all.push_back(std::move(out.logits));
  return all;
}

}  // namespace quipu::conpet

/// @file LwF: new texts keep the old classes' logits that the learner before gave them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <quipu/conpet/losses/distillation.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/number_text.hpp>

namespace quipu::conpet {

/// Learning without forgetting: a distillation loss on the new texts of a batch, summed over them as ConPET's code does. With `replay::none` it is
/// the paper's, with other strategies replayed texts train beside it. Source: Li, Hoiem 2016, "Learning without forgetting".
struct lwf {
  using policy_role = role::learning_method;
  double strength = 1;
  double temperature = 1;

  struct state {};
  [[nodiscard]] std::string identity() const { return concat("lwf, strength ", exact_text(strength), ", temperature ", exact_text(temperature)); }

  /// @throws config_error  a temperature that is not above 0
  template <class Task>
  void learn(state&, Task& task) const {
    if (!(temperature > 0)) fail<config_error>("lwf: temperature", "above 0", temperature);
    if (task.is_first()) return task.train();
    const std::size_t n_old = task.n_old_class(), n_fresh = task.fresh().size();
    std::vector<float> before;  // (n_fresh, n_old)
    for (const auto& o : task.outputs(task.fresh())) before.insert(before.end(), o.logits.data(), o.logits.data() + n_old);
    step_additions additions;
    additions.logits = [&, n_old, n_fresh](const target_batch& batch, matrix_view<const float> z, matrix_view<float> dz) {
      std::vector<std::size_t> rows;
      for (std::size_t i = 0; i < batch.numbers.size(); ++i) {
        if (batch.numbers[i] < n_fresh) rows.push_back(i);
      }
      std::vector<float> now(rows.size() * n_old), old(rows.size() * n_old), gradient(rows.size() * n_old);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::copy_n(z.row(rows[i]), n_old, now.data() + i * n_old);
        std::copy_n(before.data() + batch.numbers[rows[i]] * n_old, n_old, old.data() + i * n_old);
      }
      const std::size_t n = rows.size();
      const double loss = lwf_loss<float>({now.data(), n, n_old}, {old.data(), n, n_old}, {gradient.data(), n, n_old}, strength, temperature);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t c = 0; c < n_old; ++c) dz(rows[i], c) += gradient[i * n_old + c];
      }
      return loss;
    };
    task.train({.additions = std::move(additions)});
  }
};

static_assert(learning_method<lwf>);

}  // namespace quipu::conpet

/// @file EMAR: replay, and then rounds in which states settle around the means of their classes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/conpet/losses/cross_entropy.hpp>
#include <quipu/conpet/methods/class_means.hpp>
#include <quipu/conpet/methods/emr.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/core/number_text.hpp>

namespace quipu::conpet {

/// Episodic memory activation and reconsolidation: after a training as EMR's, rounds of (1) means of the kept texts' states by class, (2) steps on new
/// and kept texts, (3) steps on kept ones that pull states to the means of their classes. Answers go by products with the means.
/// Source: Han et al. 2020, "Continual relation learning via episodic memory activation and reconsolidation", section 3.
struct emar {
  using policy_role = role::learning_method;
  std::size_t usual = 5;       ///< see `memory_replay_order`
  std::size_t n_round = 2;
  std::size_t n_round_step = 20;  ///< of (2), and of (3)

  struct state {
    std::vector<double> prototypes{};  ///< (n_class, d)
    std::size_t n_class = 0;

    [[nodiscard]] kept_arrays arrays() const {
      return n_class == 0 ? kept_arrays() : kept_arrays{{"prototypes", kept_of(prototypes, n_class)}};
    }
    void restore(const kept_arrays& saved) {
      if (saved.empty()) return;
      const kept_array& p = array_of(saved, "prototypes");
      if (p.shape.size() != 2) fail<format_error>("state of emar: prototypes", "a row for each class", concat(p.shape.size(), " dimensions"));
      prototypes = p.values;
      n_class = p.shape[0];
    }
  };

  [[nodiscard]] std::string identity() const { return concat("emar, usual ", usual, ", ", n_round, " rounds of ", n_round_step, " steps"); }
  template <class Task>
  void learn(state& s, Task& task) const {
    const task_order order = memory_replay_order(task, usual);
    task.train({.order = order});
    // The memory of before for the steps of (2), since the new texts are there already; with theirs for (1) and (3).
    const std::vector<encoded_example> before(task.old().begin(), task.old().end());
    task.remember();
    s.n_class = task.n_class();
    expert_training shorter = task.how();
    shorter.n_step = n_round_step;
    for (std::size_t round = 0; round < n_round && n_round_step > 0; ++round) {
      s.prototypes = prototypes_of(task, s.prototypes);
      auto examples = task.with_classes(task.fresh());
      for (const target_example& e : task.with_classes(before)) examples.push_back(e);
      task.train({.name = concat("round ", round, " "), .examples = std::move(examples), .order = order, .how = shorter});
      if (task.old().empty()) continue;
      const std::vector<float> p(s.prototypes.begin(), s.prototypes.end());
      const matrix_view<const float> prototypes(p.data(), s.n_class, task.d_model());
      step_additions pull{.cross_entropy = false};
      pull.states = [&](const target_batch& batch, matrix_view<const float> h, matrix_view<float> dh) {
        return prototype_loss<float>(h, prototypes, std::vector<std::size_t>(batch.wanted.begin(), batch.wanted.end()), dh);
      };
      task.train({.name = concat("prototypes ", round, " "), .additions = pull, .examples = task.with_classes(task.old()), .how = shorter});
    }
    s.prototypes = prototypes_of(task, s.prototypes);
  }
  [[nodiscard]] std::optional<std::vector<float>> scores(const state& s, const pet::linear_head<float>&, matrix_view<const float> h) const {
    if (s.n_class == 0) return std::nullopt;
    const double_rows z = in_double<float>(h) * as_eigen(matrix_view<const double>(s.prototypes.data(), s.n_class, h.cols())).transpose();
    return std::vector<float>(z.data(), z.data() + z.size());
  }
};

static_assert(learning_method<emar> && scores_answers<emar> && has_kept_arrays<emar::state>);

}  // namespace quipu::conpet

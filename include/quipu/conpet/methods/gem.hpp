/// @file GEM and A-GEM: no step makes the kept texts of earlier tasks worse.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/gradient_projection.hpp>
#include <quipu/conpet/methods/flat_parameters.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/random.hpp>

namespace quipu::conpet {

namespace detail {

/// Some of the examples, different ones, by a random stream; all of them where there are no more.
[[nodiscard]] inline std::vector<target_example> some_of(std::vector<target_example> all, std::size_t n, random_stream& random) {
  for (std::size_t i = 0; i < n && i < all.size(); ++i) std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(all.size() - i))]);
  all.resize(std::min(n, all.size()));
  return all;
}

/// Trains on new texts alone, with a change of each step's gradient: `project(gradient, step)` changes it in place.
/// @throws config_error  no text is kept of earlier tasks
template <class Task, class Project>
void train_projected(Task& task, const char* method, Project&& project) {
  if (task.old().empty()) fail<config_error>(method, "a replay strategy that keeps texts", task.memory().strategy().name);
  const auto parameters = task.who().parameters();
  const std::span<const optim::parameter<float>> all(parameters);
  step_additions additions;
  additions.gradients = [&, all](std::size_t step) {
    std::vector<float> g = flat_gradients(all);
    project(std::span<float>(g), step);
    set_gradients<float>(all, g);
    return 0.0;
  };
  task.train({.additions = std::move(additions), .examples = task.with_classes(task.fresh())});
}

}  // namespace detail

/// Gradient episodic memory: a step's gradient is the closest one whose product with the gradient on the kept texts of no earlier task is negative.
/// Batches have new texts alone; each step costs a pass more for every earlier task. Source: Lopez-Paz, Ranzato 2017, "GEM".
struct gem {
  using policy_role = role::learning_method;
  double margin = 0.5;
  std::size_t n_text = 16;  ///< of each earlier task, drawn anew in every step

  struct state {};
  [[nodiscard]] std::string identity() const { return concat("gem, margin ", exact_text(margin), ", ", n_text, " texts of a task"); }
  /// @throws config_error  no texts; a margin that is negative
  template <class Task>
  void learn(state&, Task& task) const {
    if (n_text == 0) fail<config_error>("gem: texts of a task", "at least 1", 0);
    if (!(margin >= 0)) fail<config_error>("gem: margin", "not negative", margin);
    if (task.is_first()) return task.train();
    std::map<std::size_t, std::vector<target_example>> by_task;
    for (const encoded_example& e : task.old()) by_task[e.task].push_back({&e, static_cast<std::int64_t>(e.label)});
    const std::uint64_t seed = task.seed_of("gem ");
    detail::train_projected(task, "gem", [&, seed](std::span<float> g, std::size_t step) {
      random_stream random(seed, step);
      std::vector<float> earlier;  // (n_task, n_value)
      for (const auto& one : by_task) {
        const std::vector<float> own = task.gradient_on(detail::some_of(one.second, n_text, random));
        earlier.insert(earlier.end(), own.begin(), own.end());
      }
      project_gem<float>(g, {earlier.data(), by_task.size(), g.size()}, margin);
    });
  }
};

/// Averaged GEM: one gradient, on texts drawn from all of the memory, takes the place of those of the tasks.
/// Source: Chaudhry et al. 2019, "Efficient lifelong learning with A-GEM".
struct a_gem {
  using policy_role = role::learning_method;
  std::size_t n_text = 16;  ///< drawn anew in every step

  struct state {};
  [[nodiscard]] std::string identity() const { return concat("a_gem, ", n_text, " texts"); }
  /// @throws config_error  no texts
  template <class Task>
  void learn(state&, Task& task) const {
    if (n_text == 0) fail<config_error>("a_gem: texts", "at least 1", 0);
    if (task.is_first()) return task.train();
    const std::uint64_t seed = task.seed_of("a_gem ");
    detail::train_projected(task, "a_gem", [&, seed](std::span<float> g, std::size_t step) {
      random_stream random(seed, step);
      project_a_gem<float>(g, task.gradient_on(detail::some_of(task.with_classes(task.old()), n_text, random)));
    });
  }
};

static_assert(learning_method<gem> && learning_method<a_gem>);

}  // namespace quipu::conpet

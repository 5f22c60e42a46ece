// A method against forgetting: module and head stay near where they were before the task.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/core/number_text.hpp>

namespace extend {

struct stays_near {
  using policy_role = quipu::role::learning_method;
  double strength = 0.1;

  struct state {};  // nothing is kept between tasks
  [[nodiscard]] std::string identity() const { return "stays near, strength " + quipu::exact_text(strength); }

  template <class Task>
  void learn(state&, Task& task) const {
    const auto parameters = task.who().parameters();
    std::vector<std::vector<float>> before;
    for (const auto& p : parameters) before.emplace_back(p.value, p.value + p.size());
    quipu::conpet::step_additions additions;
    additions.gradients = [&](std::size_t) {  // after the pass of a step: adds to the gradients, gives what the loss grows by
      double sum = 0;
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        for (std::size_t j = 0; j < before[i].size(); ++j) {
          const float off = parameters[i].value[j] - before[i][j];
          parameters[i].gradient[j] += static_cast<float>(strength) * off;
          sum += static_cast<double>(off) * static_cast<double>(off);
        }
      }
      return strength / 2 * sum;
    };
    task.train({.additions = std::move(additions)});
  }
};

}  // namespace extend

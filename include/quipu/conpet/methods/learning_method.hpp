/// @file What a learner with one module does against forgetting: the role `learning_method`, and doing nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/pet/linear_head.hpp>

namespace quipu::role {
struct learning_method {};
}  // namespace quipu::role

namespace quipu::conpet {

template <class M>
concept has_method_role = std::is_same_v<role_of<M>, role::learning_method>;
template <class M>
concept has_method_state = std::copyable<typename M::state> && std::default_initializable<typename M::state>;
template <class M>
concept has_method_identity = requires(const M& m) {
  { m.identity() } -> std::convertible_to<std::string>;
};

/// Role `learning_method`: how a task is learned beside what was learned before.
///   policy_role         `role::learning_method`
///   state               what is kept between tasks; copyable, made from nothing. Optional: `arrays()` and `restore(arrays)`, see `has_kept_arrays`
///   learn(state, task)  learns a task, see `learning_task`; `task.train()` is all of plain learning. What it throws leaves the learner as it was
///   identity()          name and settings, which a learner that is read from files must share
///   scores              optional, see `scores_answers`
/// What it does follows from settings, state and task alone, so that a learner that was saved goes on with the same bytes.
template <class M>
concept learning_method = std::copyable<M> && has_method_role<M> && has_method_state<M> && has_method_identity<M>;

/// A method on the tasks of a learner. @tparam Task  a `learning_task`
template <class M, class Task>
concept learning_method_on = learning_method<M> && requires(const M& m, typename M::state& state, Task& task) { m.learn(state, task); };

/// Optional: answers do not follow from the head's logits. `scores(state, head, h)` gives for states h (n, d_model) a score of each of the head's
/// classes, row by row, of which the largest is the answer and the softmax its probability; nothing where the logits hold after all.
template <class M>
concept scores_answers = requires(const M& m, const typename M::state& state, const pet::linear_head<float>& head, matrix_view<const float> h) {
  { m.scores(state, head, h) } -> std::same_as<std::optional<std::vector<float>>>;
};

/// Optional: states are read through the method, since it knows which kind they are.
template <class M>
concept restores_states = requires(const M& m, const kept_arrays& saved) {
  { m.restored(saved) } -> std::same_as<typename M::state>;
};

/// What files keep of a state; nothing if it has no arrays.
template <class State>
[[nodiscard]] kept_arrays arrays_of(const State& state) {
  if constexpr (gives_kept_arrays<State>) {
    return state.arrays();
  } else {
    return {};
  }
}
/// @throws format_error  arrays that are missing or do not fit
template <learning_method M>
[[nodiscard]] typename M::state method_state_of(const M& method, const kept_arrays& saved) {
  if constexpr (restores_states<M>) {
    return method.restored(saved);
  } else {
    typename M::state state;
    if constexpr (has_kept_arrays<typename M::state>) state.restore(saved);
    return state;
  }
}

/// Says in one sentence what a type lacks to be a method.
template <class M>
consteval void explain_learning_method() {
  if constexpr (!std::copyable<M>) {
    static_assert(std::copyable<M>, "learning_method: it must be copyable");
  } else if constexpr (!has_method_role<M>) {
    static_assert(has_method_role<M>, "learning_method: declare 'using policy_role = role::learning_method'");
  } else if constexpr (!has_method_state<M>) {
    static_assert(has_method_state<M>, "learning_method: declare 'struct state', copyable and made from nothing: what is kept between tasks");
  } else {
    static_assert(has_method_identity<M>, "learning_method: declare 'std::string identity() const'");
  }
}
template <class M, class Task>
consteval void explain_learning_method_on() {
  static_assert(learning_method_on<M, Task>, "learning_method: declare 'template <class Task> void learn(state& s, Task& task) const'");
}

/// New texts and replayed ones, half and half or as the learner's options say, and nothing else: with `replay::uniform_task_sampling` the dynamic
/// replay of static ConPET. Source: Song et al. 2023, "ConPET".
struct plain {
  using policy_role = role::learning_method;
  struct state {};

  [[nodiscard]] static std::string identity() { return "plain"; }
  template <class Task>
  void learn(state&, Task& task) const {
    task.train();
  }
};

static_assert(learning_method<plain>);

}  // namespace quipu::conpet

/// @file The policies of continual learners, sorted by role, with their defaults.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <quipu/conpet/composition.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/row_choice.hpp>
#include <quipu/conpet/selector.hpp>
#include <quipu/conpet/text_template.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/pet/kinds.hpp>
#include <quipu/replay/balanced_sampling.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::role {
struct pet_module {};
struct replay {};
}  // namespace quipu::role

namespace quipu::conpet {

namespace detail {

/// Settings of modules and replay strategies say by what they are which place they want.
template <class P>
struct role_in_learner {
  using type = role_of<P>;
};
template <pet::peft_policy P>
struct role_in_learner<P> {
  using type = role::pet_module;
};
template <replay::replay_strategy P>
  requires(!pet::peft_policy<P>)
struct role_in_learner<P> {
  using type = role::replay;
};

template <class P>
struct in_role {
  using policy_role = typename role_in_learner<P>::type;
  using policy_type = P;
};

template <class... P>
using roles_list = policy_list<in_role<P>...>;

}  // namespace detail

/// What a learner has if a user names nothing: LoRA, all of the old tasks replayed alike, a discriminant in front, calibrated heads, a prompt
/// that asks for a label, the mean of its rows; nothing against forgetting but replay.
using default_policies = detail::roles_list<pet::lora, replay::uniform_task_sampling, discriminant_selector, calibrated, label_prompt, mean_row, plain>;

/// The policies of a learner, from those that a user gives in any order. @tparam Given  types of any of the roles, one a role
template <class... Given>
struct learner_policies {
  static_assert((!std::is_void_v<typename detail::role_in_learner<Given>::type> && ...),
                "conpet: one of the types is no policy of a learner (settings of a PET module, a replay strategy, a selector, a composition, a text "
                "template, a choice of rows, a method against forgetting)");
  using sorted = typename sort_policies<default_policies, detail::in_role<Given>...>::type;
  template <class Role>
  using type_of = typename sorted::template type_of<Role>::policy_type;

  using module_policy = type_of<role::pet_module>;
  using replay_policy = type_of<role::replay>;
  using selector_policy = type_of<role::selector>;
  using composition_policy = type_of<role::composition>;
  using template_policy = type_of<role::text_template>;
  using row_policy = type_of<role::row_choice>;
  using method_policy = type_of<role::learning_method>;
};

/// Lets each role of a learner say in one sentence what its policy lacks.
template <class Policies, class Tokenizer>
consteval void check_learner_policies() {
  pet::explain_peft_policy<typename Policies::module_policy>();
  replay::explain_replay_strategy<typename Policies::replay_policy>();
  explain_selector<typename Policies::selector_policy>();
  explain_composition<typename Policies::composition_policy>();
  explain_text_template<typename Policies::template_policy, Tokenizer>();
  explain_row_choice<typename Policies::row_policy>();
  explain_learning_method<typename Policies::method_policy>();
}

}  // namespace quipu::conpet

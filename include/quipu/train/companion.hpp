/// @file Companions of a training run: objects that log with it and whose state lies in its checkpoints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/optim/optimizer.hpp>  // state_array
#include <quipu/train/objective.hpp>  // step_plan
#include <quipu/train/run.hpp>

namespace quipu::train {

template <class C>
concept has_step_done = requires(C& c, const step_report& report, nlohmann::ordered_json& fields) {
  c.step_done(report, fields);
};
template <class C>
concept has_companion_state = requires(C& c, const C& k, const nlohmann::json& saved) {
  { k.state() } -> std::convertible_to<nlohmann::json>;
  c.restore(saved);
};
template <class C>
concept has_state_arrays = requires(C& c) {
  { c.arrays() } -> std::same_as<std::vector<optim::state_array>>;
};

/// Role `companion`: a meter, a controller, whatever goes along with a run.
///   step_done(report, fields)   after every step; fields of its own go into the log line and `step_report::fields`
///   state(), restore(json)      the small part of its state, all of it exact; `restore` throws before it changes
///                               anything
///   arrays()                    optional: the large part, memory that is saved and read back in place
///   begin_step(plan)            optional, see `step_observer`
/// A run that is resumed goes on with the state that the checkpoint holds, so what a companion does must follow from
/// its state and from what the run tells it.
template <class C>
concept companion = has_step_done<C> && has_companion_state<C>;

/// Says in one sentence what a type lacks to be a companion.
template <class C>
consteval void explain_companion() {
  if constexpr (!has_step_done<C>) {
    static_assert(has_step_done<C>,
                  "companion: declare 'step_done(const step_report& report, nlohmann::ordered_json& fields)'");
  } else {
    static_assert(companion<C>,
                  "companion: declare 'nlohmann::json state() const' and 'restore(const nlohmann::json& saved)'");
  }
}

/// A companion of any type under its name in checkpoints; refers to it.
struct attached_companion {
  std::string name;
  std::function<void(const step_plan&)> begin_step;
  std::function<void(const step_report&, nlohmann::ordered_json&)> step_done;
  std::function<nlohmann::json()> state;
  std::function<void(const nlohmann::json&)> restore;
  std::function<std::vector<optim::state_array>()> arrays;

  template <class C>
  attached_companion(std::string given, C& c)
      : name(std::move(given)),
        begin_step([&](const step_plan& plan) {
          if constexpr (step_observer<C>) c.begin_step(plan);
        }),
        step_done([&c](const step_report& report, nlohmann::ordered_json& fields) { c.step_done(report, fields); }),
        state([&c] { return nlohmann::json(std::as_const(c).state()); }),
        restore([&c](const nlohmann::json& saved) { c.restore(saved); }),
        arrays([&] {
          if constexpr (has_state_arrays<C>) {
            return c.arrays();
          } else {
            return std::vector<optim::state_array>();
          }
        }) {}
};

}  // namespace quipu::train

/// @file What a training run was made of, by name: a run that is resumed must be made of the same.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/pet/key_hash.hpp>
#include <quipu/pet/module.hpp>  // visit_module
#include <quipu/train/objective.hpp>  // describes_batches

namespace quipu::train {

/// Settings of a run by name, as its checkpoints keep them.
using run_settings = std::map<std::string, std::string, std::less<>>;

namespace detail {

template <class Hooks>
concept holds_module = requires(const Hooks& hooks) { hooks.module(); };
template <class Module, class Config>
concept has_peft_settings = requires(const Module& m, nlohmann::ordered_json& json, const Config& c) {
  m.policy().write_peft(json, c);
};

/// "N steps, HASH" of a schedule's factors in the first N steps.
template <class Schedule>
[[nodiscard]] std::string schedule_text(const Schedule& schedule, std::size_t n_step) {
  pet::key_hash hash;
  for (std::size_t step = 0; step < n_step; ++step) hash.add_value(static_cast<double>(schedule(step)));
  return concat(n_step, " steps, ", hash.text());
}
/// N of such a text, or `otherwise`: a run may go on for more steps if those planned before have the same factors.
[[nodiscard]] inline std::size_t steps_in(std::string_view text, std::size_t otherwise) {
  constexpr std::size_t most = 10'000'000;
  std::size_t n = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), n);
  return read.ec == std::errc() && n <= most ? n : otherwise;
}

/// The examples of a source, as the objective puts them into batches.
/// @param make  () -> an empty batch
template <class Source, class Objective, class Make>
[[nodiscard]] std::string data_text(const Source& source, Objective& objective, Make&& make) {
  pet::key_hash hash;
  const auto add = [&](auto values) {
    hash.add_value(values.size());
    hash.add(std::as_bytes(values));
  };
  for (std::size_t i = 0; i < source.size(); ++i) {
    auto batch = make();
    objective.add(source, i, batch);
    add(std::span(batch.tokens()));
    add(std::span(batch.targets()));
    add(std::span(batch.weights()));
    if constexpr (describes_batches<Objective>) objective.describe(batch, hash);
  }
  return hash.text();
}

/// The settings that PEFT keeps of the module in a run's hooks, if these hold one.
template <class Hooks, class Config>
void add_module_settings(run_settings& to, const Hooks& hooks, const Config& c) {
  if constexpr (holds_module<Hooks>) {
    pet::visit_module(hooks.module(), [&](const auto& m) {
      if constexpr (has_peft_settings<decltype(m), Config>) {
        nlohmann::ordered_json json = nlohmann::ordered_json::object();
        json["kind"] = std::string(std::remove_cvref_t<decltype(m.policy())>::peft_type);
        m.policy().write_peft(json, c);
        for (const auto& [key, value] : json.items()) to[concat("module.", key)] = value.dump();
      }
    });
  }
}

/// What runs recorded before hashes were.
inline constexpr std::string_view earlier_settings[] = {"optimizer", "seed",      "batch_size", "n_accumulate",
                                                        "shuffle",   "examples",  "objective",  "order"};
[[nodiscard]] inline bool is_earlier_setting(std::string_view name) {
  return std::find(std::begin(earlier_settings), std::end(earlier_settings), name) != std::end(earlier_settings);
}

}  // namespace detail

}  // namespace quipu::train

/// @file What a training run was made of, by name: a run that is resumed must be made of the same.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
#include <quipu/core/hex.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/pet/module.hpp>  // visit_module

namespace quipu::train {

/// Settings of a run by name, as its checkpoints keep them.
using run_settings = std::map<std::string, std::string, std::less<>>;

/// A hash of numbers, 64 bits: what differs by accident differs in it. It lies in checkpoints, so it must stay.
class fingerprint {
 public:
  template <class Value>
    requires std::integral<Value> || std::floating_point<Value>
  void add(std::span<const Value> values) noexcept {
    mix(values.size());
    for (const Value& v : values) {
      std::uint64_t word = 0;
      std::memcpy(&word, &v, sizeof(Value));
      mix(word);
    }
  }
  [[nodiscard]] std::string text() const {
    return hex_digits(static_cast<std::uint32_t>(value_ >> 32)) + hex_digits(static_cast<std::uint32_t>(value_));
  }

 private:
  void mix(std::uint64_t word) noexcept {
    value_ = (value_ ^ word) * 0x9e3779b97f4a7c15u;
    value_ ^= value_ >> 29;
  }
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

namespace detail {

// Numbers that an optimiser may have.
template <class O>
concept has_beta1 = requires(const O& o) { double(o.beta1); };
template <class O>
concept has_beta2 = requires(const O& o) { double(o.beta2); };
template <class O>
concept has_eps = requires(const O& o) { double(o.eps); };
template <class O>
concept has_momentum = requires(const O& o) { double(o.momentum); };
template <class O>
concept has_nesterov = requires(const O& o) { bool(o.nesterov); };
template <class O>
concept has_decay = requires(const O& o) { double(o.decay); };
template <class O>
concept has_eps2 = requires(const O& o) { double(o.eps2); };
template <class O>
concept has_clip = requires(const O& o) { double(o.clip); };
template <class O>
concept has_storage = requires(const O& o) { int(o.storage); };
template <class O>
concept has_identity = requires(const O& o) {
  { o.identity() } -> std::convertible_to<std::string>;
};
/// Optional: an objective whose batches hold more than tokens, targets and weights.
template <class Objective, class Batch, class Hash>
concept describes_batches = requires(const Objective& o, const Batch& batch, Hash& hash) { o.describe(batch, hash); };
template <class Hooks>
concept holds_module = requires(const Hooks& hooks) { hooks.module(); };
template <class Module, class Config>
concept has_peft_settings = requires(const Module& m, nlohmann::ordered_json& json, const Config& c) { m.policy().write_peft(json, c); };

/// What an optimiser is set to besides its learning rate and weight decay.
template <class Optimizer>
[[nodiscard]] std::string optimizer_numbers(const Optimizer& o) {
  std::string all;
  const auto number = [&](const char* name, double value) { all += concat(name, " ", exact_text(value), ", "); };
  if constexpr (has_beta1<Optimizer>) number("beta1", o.beta1);
  if constexpr (has_beta2<Optimizer>) number("beta2", o.beta2);
  if constexpr (has_eps<Optimizer>) number("eps", o.eps);
  if constexpr (has_momentum<Optimizer>) number("momentum", o.momentum);
  if constexpr (has_nesterov<Optimizer>) number("nesterov", o.nesterov ? 1 : 0);
  if constexpr (has_decay<Optimizer>) number("decay", o.decay);
  if constexpr (has_eps2<Optimizer>) number("eps2", o.eps2);
  if constexpr (has_clip<Optimizer>) number("clip", o.clip);
  if constexpr (has_storage<Optimizer>) number("storage", static_cast<int>(o.storage));
  if constexpr (has_identity<Optimizer>) all += std::string(o.identity());
  return all;
}

/// "N steps, HASH" of a schedule's factors in the first N steps.
template <class Schedule>
[[nodiscard]] std::string schedule_text(const Schedule& schedule, std::size_t n_step) {
  fingerprint hash;
  for (std::size_t step = 0; step < n_step; ++step) {
    const double factor = schedule(step);
    hash.add(std::span(&factor, 1));
  }
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
  fingerprint hash;
  for (std::size_t i = 0; i < source.size(); ++i) {
    auto batch = make();
    objective.add(source, i, batch);
    hash.add(batch.tokens());
    hash.add(batch.targets());
    hash.add(batch.weights());
    if constexpr (describes_batches<decltype(objective), decltype(batch), decltype(hash)>) objective.describe(batch, hash);
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

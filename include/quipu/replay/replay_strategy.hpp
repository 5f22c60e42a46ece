/// @file What is kept of finished tasks and what of it is seen again: the role `replay_strategy`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/random.hpp>

namespace quipu::replay {

/// What a strategy knows of an example that is kept, or could be.
struct candidate {
  std::size_t task = 0;
  std::size_t label = 0;                     ///< its class, among those of all tasks
  std::uint64_t number = 0;                  ///< how many examples were offered before it, over all tasks
  std::size_t n_byte = 0;                    ///< what keeping it costs
  double loss = 0;                           ///< when it was last measured; 0 if never
  std::span<const float> features = {};      ///< hidden state or logits; may be empty
};

/// How much may be kept, in examples and in bytes; both hold. Steps of training are another budget, see `replay_order`.
struct storage_budget {
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  std::size_t n_example = unlimited;
  std::size_t n_byte = unlimited;

  [[nodiscard]] constexpr bool is_unlimited() const noexcept { return n_example == unlimited && n_byte == unlimited; }
};

template <class S>
concept has_strategy_name = requires {
  { S::name } -> std::convertible_to<std::string_view>;
};
template <class S>
concept has_ranking = requires(const S& s, std::span<const candidate> all, std::size_t n_place, std::uint64_t seed) {
  { s.rank(all, n_place, seed) } -> std::same_as<std::vector<std::size_t>>;
};
template <class S>
concept has_sampler = requires(const S& s, std::span<const candidate> kept, random_stream& random) {
  { s.sampler(kept)(random) } -> std::convertible_to<std::size_t>;
};

/// Role `replay_strategy`: a small value that decides what is kept of the examples of finished tasks, and how often each is seen again.
///
/// | member | meaning |
/// |---|---|
/// | `name` | in reports and in the settings of a run |
/// | `rank(all, n_place, seed) const` | numbers of candidates, those to keep first; kept is as long a head of the list as the budget, which is about `n_place` examples, has room for. Who is not listed is dropped |
/// | `sampler(kept) const` | a function of a `random_stream` that draws one of the kept |
/// | optional: `identity() const` | its name with its settings |
/// | optional: `static constexpr bool needs_budget = true` | a memory without a limit would make no sense of it |
/// | optional: `static constexpr bool needs_features = true` | candidates must come with features of one length |
///
/// Both are pure functions of their arguments, so that a resumed run keeps and draws what an uninterrupted one does.
template <class S>
concept replay_strategy = std::copyable<S> && has_strategy_name<S> && has_ranking<S> && has_sampler<S>;

/// Optional: what a strategy cannot do without.
template <class S>
concept budgeted_strategy = requires { requires S::needs_budget; };
template <class S>
concept feature_strategy = requires { requires S::needs_features; };

/// Optional: a strategy that has settings and says them, for the files of a run.
template <class S>
concept settled_strategy = requires(const S& s) {
  { s.identity() } -> std::convertible_to<std::string>;
};

/// Says in one sentence what a type lacks to be a strategy.
template <class S>
consteval void explain_replay_strategy() {
  if constexpr (!std::copyable<S>) {
    static_assert(std::copyable<S>, "replay_strategy: the policy must be copyable");
  } else if constexpr (!has_strategy_name<S>) {
    static_assert(has_strategy_name<S>, "replay_strategy: declare 'static constexpr std::string_view name'");
  } else if constexpr (!has_ranking<S>) {
    static_assert(has_ranking<S>,
                  "replay_strategy: declare 'std::vector<std::size_t> rank(std::span<const candidate> all, std::size_t n_place, "
                  "std::uint64_t seed) const'");
  } else {
    static_assert(has_sampler<S>,
                  "replay_strategy: declare 'sampler(std::span<const candidate> kept) const', which returns a function of a random_stream");
  }
}

}  // namespace quipu::replay

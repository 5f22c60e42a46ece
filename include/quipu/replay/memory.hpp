/// @file Examples kept of finished tasks, within a budget.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::replay {

/// An example with what a strategy knows of it.
template <class Example>
struct kept_example {
  Example example;
  std::size_t task = 0;
  std::size_t label = 0;             ///< among the classes of all tasks
  std::uint64_t number = 0;          ///< set when it is offered
  std::size_t n_byte = 0;
  double loss = 0;
  std::vector<float> features = {};  ///< for strategies that need them

  [[nodiscard]] candidate as_candidate() const noexcept { return {task, label, number, n_byte, loss, features}; }
};

/// The replay memory of a learner: a value, whose examples are all of its state besides strategy, budget and seed.
///
/// @tparam Strategy  models `replay_strategy`
/// @tparam Example   copyable; what the host trains on again
template <class Strategy, class Example>
class memory {
 public:
  static_assert((explain_replay_strategy<Strategy>(), true));
  using entry = kept_example<Example>;

  /// @throws config_error  a strategy that needs a budget without one; a budget of nothing
  explicit memory(Strategy strategy = {}, storage_budget budget = {}, std::uint64_t seed = 0)
      : strategy_(std::move(strategy)), budget_(budget), seed_(seed) {
    if (budgeted_strategy<Strategy> && budget.is_unlimited())
      fail<config_error>(concat("replay strategy '", Strategy::name, "'"), "a storage budget", "none");
    if (budget.n_example == 0 || budget.n_byte == 0) fail<config_error>("replay: storage budget", "room for an example", 0);
  }

  [[nodiscard]] const Strategy& strategy() const noexcept { return strategy_; }
  [[nodiscard]] const storage_budget& budget() const noexcept { return budget_; }
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::uint64_t n_offered() const noexcept { return n_offered_; }
  [[nodiscard]] std::size_t n_byte() const noexcept {
    std::size_t sum = 0;
    for (const entry& e : entries_) sum += e.n_byte;
    return sum;
  }
  [[nodiscard]] std::vector<candidate> candidates() const { return candidates_of(entries_); }

  /// Offers the examples of a finished task. What is kept of them and of what was there is within the budget afterwards, in the order in which
  /// it was offered. All or nothing: where something is thrown the memory is as before.
  /// @throws config_error   features that are missing, of another length or not finite; a strategy that lists an example twice, or one
  ///                        that there is not; whatever the strategy throws
  void offer(std::vector<entry> finished) {
    std::vector<entry> all = entries_;
    std::uint64_t number = n_offered_;
    for (entry& e : finished) {
      e.number = number++;
      all.push_back(std::move(e));
    }
    check_features(all);
    const auto chosen = kept_of(candidates_of(all));
    std::vector<entry> next;
    next.reserve(chosen.size());
    for (const std::size_t i : chosen) next.push_back(std::move(all[i]));
    entries_ = std::move(next);
    n_offered_ = number;
  }

  /// Losses measured anew, for strategies that go by them.  (size())
  /// @throws config_error  another number of them, or one that is not finite
  void set_losses(const std::vector<double>& losses) {
    if (losses.size() != size()) fail<config_error>("replay: losses", size(), losses.size());
    for (const double loss : losses) {
      if (!std::isfinite(loss)) fail<config_error>("replay: loss", "a finite number", loss);
    }
    for (std::size_t i = 0; i < losses.size(); ++i) entries_[i].loss = losses[i];
  }

  /// Drops all examples of a task; places that become free are filled by the tasks that follow.
  /// @return how many there were
  std::size_t forget(std::size_t task) {
    return std::erase_if(entries_, [&](const entry& e) { return e.task == task; });
  }

  /// The state of another run.
  void restore(std::vector<entry> entries, std::uint64_t n_offered) {
    for (const entry& e : entries) {
      if (e.number >= n_offered) fail<config_error>("replay: number of an example", concat("below ", n_offered), e.number);
    }
    entries_ = std::move(entries);
    n_offered_ = n_offered;
  }

 private:
  [[nodiscard]] static std::vector<candidate> candidates_of(const std::vector<entry>& entries) {
    std::vector<candidate> all;
    all.reserve(entries.size());
    for (const entry& e : entries) all.push_back(e.as_candidate());
    return all;
  }

  static void check_features(const std::vector<entry>& all) {
    if constexpr (feature_strategy<Strategy>) {
      for (const entry& e : all) {
        if (e.features.empty() || e.features.size() != all.front().features.size())
          fail<config_error>(concat("replay strategy '", Strategy::name, "': features"), concat(all.front().features.size(), ", above 0"),
                             e.features.size());
        for (const float f : e.features) {
          if (!std::isfinite(f)) fail<config_error>(concat("replay strategy '", Strategy::name, "': feature"), "a finite number", f);
        }
      }
    }
  }

  // About how many examples the budget has room for.
  [[nodiscard]] std::size_t n_place(const std::vector<candidate>& all) const {
    std::size_t n = std::min(budget_.n_example, all.size());
    if (budget_.n_byte == storage_budget::unlimited) return n;
    std::size_t sum = 0;
    for (const candidate& c : all) sum += c.n_byte;
    if (sum > budget_.n_byte) n = std::min(n, static_cast<std::size_t>(static_cast<double>(budget_.n_byte) / static_cast<double>(sum) * static_cast<double>(all.size())));
    return n;
  }

  [[nodiscard]] std::vector<std::size_t> kept_of(const std::vector<candidate>& all) const {
    std::vector<std::size_t> kept;
    std::vector<bool> listed(all.size());
    std::size_t n_byte = 0;
    for (const std::size_t i : strategy_.rank(all, n_place(all), seed_)) {
      if (i >= all.size() || listed[i])
        fail<config_error>(concat("replay strategy '", Strategy::name, "': rank"), concat("different numbers below ", all.size()), i);
      listed[i] = true;
      if (kept.size() == budget_.n_example || all[i].n_byte > budget_.n_byte - n_byte) break;
      n_byte += all[i].n_byte;
      kept.push_back(i);
    }
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  Strategy strategy_;
  storage_budget budget_;
  std::uint64_t seed_;
  std::uint64_t n_offered_ = 0;
  std::vector<entry> entries_;
};

}  // namespace quipu::replay

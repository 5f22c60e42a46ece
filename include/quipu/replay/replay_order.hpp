/// @file Which new and old examples a step of a continual learner sees.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/random.hpp>
#include <quipu/replay/replay_strategy.hpp>
#include <quipu/train/batch_order.hpp>

namespace quipu::replay {

/// How much training a task may cost: the same for every task but the first, however many there were. Source: ConPET's `batch_limit_policy 2`.
struct compute_budget {
  std::size_t batch_limit = 400;    ///< batches an epoch, for training and validation together
  double training_share = 0.8;      ///< of them
  double new_old_ratio = 1;         ///< new examples for each old one of a batch, infinity for new ones alone; -r: r old ones for each new one

  /// @throws config_error  no batches; a share outside 0 .. 1; a ratio of 0 or NaN
  void check() const {
    if (batch_limit == 0) fail<config_error>("compute budget: batches", "at least 1", batch_limit);
    if (!(training_share > 0 && training_share <= 1)) fail<config_error>("compute budget: share of training", "above 0, at most 1", training_share);
    if (!(new_old_ratio < 0 || new_old_ratio > 0)) fail<config_error>("compute budget: new / old", "a number that is not 0", new_old_ratio);
  }
  /// Steps of an epoch of training, and batches of a validation.
  [[nodiscard]] std::size_t n_training_step() const noexcept {
    return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(batch_limit) * training_share));
  }
  [[nodiscard]] std::size_t n_validation_batch() const noexcept {
    return static_cast<std::size_t>(static_cast<double>(batch_limit) * (1 - training_share) + 1e-9);
  }
  /// Of a batch. The side with the larger share is rounded down; what a share lacks of a whole number by rounding does not count.
  [[nodiscard]] std::size_t n_new(std::size_t batch) const noexcept {
    const double share = 1 / (1 + 1 / std::abs(new_old_ratio));
    const auto most = static_cast<std::size_t>(static_cast<double>(batch) * share + 1e-9);
    return new_old_ratio > 0 ? most : batch - most;
  }
};

/// The order in which a task is learnt beside a memory. A source of examples has those of the new task first, then those of the memory.
/// Each step has `n_new` different new examples, all alike, and old ones as the strategy draws them, shuffled together. Without a memory it
/// goes through the new task, epoch after epoch. Models `train::batch_order`.
/// Source: Song et al. 2023, "ConPET"; the authors' preprocess/custom_loader.py.
class replay_order {
 public:
  /// @param strategy  draws from `kept`, the candidates of a memory in its order
  /// @throws config_error  no new example; see `compute_budget::check`
  template <replay_strategy Strategy>
  replay_order(const Strategy& strategy, std::span<const candidate> kept, std::size_t n_new_example, compute_budget budget)
      : n_new_example_(n_new_example), n_kept_(kept.size()), budget_(budget) {
    budget.check();
    if (n_new_example == 0) fail<config_error>("replay_order: new examples", "at least 1", 0);
    identity_ = concat("replay ", Strategy::name, ", ", n_new_example, " new, ", kept.size(), " kept, ratio ", exact_text(budget.new_old_ratio));
    if (kept.empty()) return;
    draw_ = std::make_shared<const std::function<std::size_t(random_stream&)>>(
        [sampler = strategy.sampler(kept)](random_stream& random) { return static_cast<std::size_t>(sampler(random)); });
  }

  [[nodiscard]] const std::string& identity() const noexcept { return identity_; }

  /// @throws config_error  a source of another size
  void fill(const train::order_place& place, std::span<train::ordered_example> examples) {
    if (place.n_example != n_new_example_ + n_kept_)
      fail<config_error>("replay_order: examples of the source", n_new_example_ + n_kept_, place.n_example);
    if (n_kept_ == 0) return first_.fill(place, examples);
    random_stream random(place.seed, place.step);
    const std::size_t n_new = budget_.n_new(examples.size());
    take_new(random, examples.first(n_new));
    for (train::ordered_example& e : examples.subspan(n_new)) e = {n_new_example_ + (*draw_)(random)};
    for (std::size_t i = examples.size(); i-- > 1;)
      std::swap(examples[i], examples[random.below(static_cast<std::uint32_t>(i + 1))]);
  }

 private:
  // Different ones, as far as there are enough: the head of a shuffle.
  void take_new(random_stream& random, std::span<train::ordered_example> out) {
    pool_.resize(n_new_example_);
    for (std::size_t done = 0; done < out.size();) {
      std::iota(pool_.begin(), pool_.end(), std::size_t{0});
      const std::size_t n = std::min(out.size() - done, n_new_example_);
      for (std::size_t i = 0; i < n; ++i) {
        std::swap(pool_[i], pool_[i + random.below(static_cast<std::uint32_t>(n_new_example_ - i))]);
        out[done + i] = {pool_[i]};
      }
      done += n;
    }
  }

  std::size_t n_new_example_, n_kept_;
  compute_budget budget_;
  std::string identity_;
  train::epochs first_;
  std::shared_ptr<const std::function<std::size_t(random_stream&)>> draw_;
  std::vector<std::size_t> pool_;
};

static_assert(train::batch_order<replay_order>);

/// How often each example of a memory is seen in an epoch of a learner that goes through all new and all kept examples: as often as makes
/// its steps those of a learner with a compute budget, at least once. Source: the authors'
/// train_cycle.py.
/// @param usual  where the new task alone fills the budget: 10 for the large sets, 5 for the others
[[nodiscard]] inline std::size_t replay_frequency(const compute_budget& budget, std::size_t batch, std::size_t n_new_example,
                                                  std::size_t n_kept, std::size_t usual) {
  budget.check();
  const double steps = std::ceil(budget.training_share * static_cast<double>(budget.batch_limit) - 1e-9);
  const double room = steps * static_cast<double>(batch) - static_cast<double>(n_new_example);
  if (room <= 0) return usual;
  return static_cast<std::size_t>(std::ceil(room / static_cast<double>(std::max<std::size_t>(1, n_kept))));
}

}  // namespace quipu::replay

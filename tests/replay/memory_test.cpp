// A memory's budgets, its errors, and the orders that train on it.
#include <quipu/replay/memory.hpp>
#include <quipu/replay/replay_order.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/replay/balanced_sampling.hpp>
#include <quipu/replay/herding.hpp>
#include <quipu/replay/random_sampling.hpp>
#include <quipu/train/batch_order.hpp>

namespace quipu_replay_memory_test {

namespace replay = quipu::replay;
using quipu::config_error;
using quipu::train::ordered_example;
using Catch::Contains;
using entry = replay::kept_example<std::string>;

std::vector<entry> task_of(std::size_t task, std::size_t n, std::size_t n_byte = 10) {
  std::vector<entry> all;
  for (std::size_t i = 0; i < n; ++i)
    all.push_back({.example = std::to_string(task) + ":" + std::to_string(i), .task = task, .label = 2 * task + i % 2, .n_byte = n_byte});
  return all;
}

std::map<std::size_t, std::size_t> count_by_task(const std::vector<entry>& entries) {
  std::map<std::size_t, std::size_t> n;
  for (const entry& e : entries) ++n[e.task];
  return n;
}

struct twice {
  static constexpr std::string_view name = "twice";
  static std::vector<std::size_t> rank(std::span<const replay::candidate>, std::size_t, std::uint64_t) { return {0, 0}; }
  static replay::group_sampler sampler(std::span<const replay::candidate> kept) { return replay::uniform_sampler(kept); }
};

TEST_CASE("a memory stays within its budgets, and its tasks share it", "[replay][memory]") {
  replay::memory<replay::experience_balanced, std::string> by_count({}, {.n_example = 30}, 5);
  for (std::size_t task = 0; task < 4; ++task) {
    by_count.offer(task_of(task, 100));
    CHECK(by_count.size() == 30);
    const auto n = count_by_task(by_count.entries());
    CHECK(n.size() == task + 1);
    for (const auto& [unused, k] : n) CHECK((k >= 30 / (task + 1) && k <= 30 / (task + 1) + 1));
  }
  CHECK(by_count.n_offered() == 400);
  CHECK(by_count.n_byte() == 300);

  replay::memory<replay::random_sampling, std::string> by_bytes({}, {.n_byte = 105}, 5);
  by_bytes.offer(task_of(0, 50));
  CHECK(by_bytes.n_byte() == 100);
  by_bytes.offer(task_of(1, 50, 30));
  CHECK(by_bytes.n_byte() <= 105);
  CHECK(count_by_task(by_bytes.entries()).size() == 2);

  replay::memory<replay::uniform_task_sampling, std::string> all;
  all.offer(task_of(0, 7));
  all.offer(task_of(1, 5));
  REQUIRE(all.size() == 12);
  CHECK(all.entries()[7].example == "1:0");  // in the order in which they came
  CHECK(all.forget(0) == 7);
  CHECK(all.size() == 5);

  replay::memory<replay::none, std::string> nothing;
  nothing.offer(task_of(0, 7));
  CHECK(nothing.empty());
}

TEST_CASE("what is kept does not depend on how a run was cut", "[replay][memory]") {
  const auto run = [](bool interrupted) {
    replay::memory<replay::reservoir, std::string> m({}, {.n_example = 12}, 9);
    m.offer(task_of(0, 40));
    if (interrupted) {
      replay::memory<replay::reservoir, std::string> next({}, {.n_example = 12}, 9);
      next.restore(m.entries(), m.n_offered());
      m = next;
    }
    m.offer(task_of(1, 25));
    std::vector<std::string> kept;
    for (const entry& e : m.entries()) kept.push_back(e.example);
    return kept;
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("a memory says what is wrong and stays as it was", "[replay][memory]") {
  using reservoir = replay::memory<replay::reservoir, std::string>;
  CHECK_THROWS_WITH(reservoir(), Contains("reservoir") && Contains("storage budget"));
  CHECK_THROWS_AS((replay::memory<replay::class_balanced, std::string>({}, {.n_example = 0})), config_error);
  replay::memory<replay::herding, std::string> herd({}, {.n_example = 4});
  auto task = task_of(0, 6);
  CHECK_THROWS_WITH(herd.offer(task), Contains("herding") && Contains("features"));
  for (entry& e : task) e.features = {1, 2};
  herd.offer(task);
  const auto before = herd.n_offered();
  for (entry& e : task) e.features = {1, 2, 3};
  CHECK_THROWS_AS(herd.offer(task), config_error);
  for (entry& e : task) e.features = {1, std::nanf("")};
  CHECK_THROWS_WITH(herd.offer(task), Contains("finite"));
  CHECK(herd.size() == 4);
  CHECK(herd.n_offered() == before);
  CHECK_THROWS_AS(herd.set_losses({1}), config_error);
  CHECK_THROWS_AS(herd.set_losses({1, 2, 3, INFINITY}), config_error);
  herd.set_losses({1, 2, 3, 4});
  CHECK(herd.candidates()[3].loss == 4);
  CHECK_THROWS_AS(herd.restore(herd.entries(), 2), config_error);

  replay::memory<twice, std::string> wrong;
  CHECK_THROWS_WITH(wrong.offer(task_of(0, 3)), Contains("twice"));
}

TEST_CASE("steps have new examples, all different, and old ones, task by task", "[replay][order]") {
  replay::memory<replay::uniform_task_sampling, std::string> m;
  m.offer(task_of(0, 5));
  m.offer(task_of(1, 30));
  replay::replay_order order(m.strategy(), m.candidates(), 20, {});
  std::vector<ordered_example> examples(8), again(8);
  std::vector<double> seen(2), place_of_new(8);
  constexpr std::size_t n_step = 20'000;
  std::vector<double> new_seen(20);
  for (std::size_t step = 0; step < n_step; ++step) {
    order.fill({.seed = 3, .n_example = 55, .step = step}, examples);
    std::set<std::size_t> fresh;
    for (std::size_t i = 0; i < 8; ++i) {
      if (examples[i].example < 20) {
        fresh.insert(examples[i].example);
        new_seen[examples[i].example] += 1;
        place_of_new[i] += 1;
      } else {
        seen[examples[i].example < 25 ? 0 : 1] += 1;
      }
    }
    REQUIRE(fresh.size() == 4);
  }
  const auto far = [](double found, double expected, double variance) { return std::abs(found - expected) > 4.5 * std::sqrt(variance); };
  const double n_old = 4.0 * n_step;
  CHECK_FALSE(far(seen[0], n_old / 2, n_old / 4));  // uniform over tasks, of 5 and 30 examples
  for (const double n : new_seen) CHECK_FALSE(far(n, n_old / 20, n_step * 0.2 * 0.8));
  for (const double n : place_of_new) CHECK_FALSE(far(n, n_step / 2.0, n_step / 4.0));

  // A pure function of the place.
  order.fill({.seed = 3, .n_example = 55, .step = 17}, examples);
  replay::replay_order(m.strategy(), m.candidates(), 20, {}).fill({.seed = 3, .n_example = 55, .step = 17}, again);
  CHECK(std::equal(examples.begin(), examples.end(), again.begin(), [](auto a, auto b) { return a.example == b.example; }));
  CHECK_THROWS_AS(order.fill({.seed = 3, .n_example = 54, .step = 17}, examples), config_error);
  CHECK_THAT(order.identity(), Contains("uniform over tasks") && Contains("35 kept"));
}

TEST_CASE("the first task is learnt epoch after epoch; small tasks give what they have", "[replay][order]") {
  replay::replay_order first(replay::uniform_task_sampling{}, {}, 6, {});
  std::vector<ordered_example> epoch(6);
  first.fill({.seed = 1, .n_example = 6, .step = 4}, epoch);
  std::set<std::size_t> all;
  for (const ordered_example& e : epoch) all.insert(e.example);
  CHECK(all.size() == 6);

  replay::memory<replay::uniform_task_sampling, std::string> m;
  m.offer(task_of(0, 5));
  replay::replay_order small(m.strategy(), m.candidates(), 3, {});
  std::vector<ordered_example> step(16);
  small.fill({.seed = 1, .n_example = 8, .step = 0}, step);
  std::map<std::size_t, std::size_t> n;
  for (const ordered_example& e : step) ++n[e.example];
  for (std::size_t i = 0; i < 3; ++i) CHECK((n[i] == 2 || n[i] == 3));
}

TEST_CASE("budgets of steps and frequencies are those of the paper's code", "[replay][budget]") {
  // Steps an epoch and batches of validation by the limits of its six sets.
  const std::vector<std::pair<std::size_t, std::pair<std::size_t, std::size_t>>> limits = {
      {2500, {2000, 500}}, {1250, {1000, 250}}, {500, {400, 100}}, {400, {320, 80}}, {100, {80, 20}}};
  for (const auto& [limit, steps] : limits) {
    CHECK(replay::compute_budget{.batch_limit = limit}.n_training_step() == steps.first);
    CHECK(replay::compute_budget{.batch_limit = limit}.n_validation_batch() == steps.second);
  }
  CHECK(replay::compute_budget{}.n_new(8) == 4);
  CHECK(replay::compute_budget{.new_old_ratio = 3}.n_new(8) == 6);
  CHECK(replay::compute_budget{.new_old_ratio = -3}.n_new(8) == 2);
  CHECK(replay::compute_budget{.new_old_ratio = -2}.n_new(8) == 3);  // 5.33 old ones, rounded down
  CHECK(replay::compute_budget{.new_old_ratio = 0.6 / (1 - 0.6)}.n_new(10) == 6);  // 5.999... in floating point
  CHECK(replay::compute_budget{.new_old_ratio = std::numeric_limits<double>::infinity()}.n_new(16) == 16);
  CHECK(replay::compute_budget{.new_old_ratio = -std::numeric_limits<double>::infinity()}.n_new(16) == 0);
  CHECK_THROWS_AS(replay::compute_budget{.new_old_ratio = std::nan("")}.check(), config_error);
  CHECK_THROWS_AS(replay::compute_budget{.new_old_ratio = 0}.check(), config_error);
  CHECK_THROWS_AS(replay::compute_budget{.batch_limit = 0}.check(), config_error);

  // Tasks k = 2, 3, ... of FewNERD, FewRel and ACE: sizes, classes before, examples kept a class.
  const auto frequencies = [](std::size_t limit, const std::vector<std::size_t>& sizes, const std::vector<std::size_t>& n_class,
                              std::size_t kept, std::size_t usual) {
    std::vector<std::size_t> found;
    std::size_t classes = n_class[0];
    for (std::size_t k = 1; k < sizes.size(); ++k) {
      found.push_back(replay::replay_frequency({.batch_limit = limit}, 8, sizes[k], (4 * kept + 4) / 5 * classes, usual));
      classes += n_class[k];
    }
    return found;
  };
  using list = std::vector<std::size_t>;
  CHECK(frequencies(2500, {30415, 24780, 51816, 101875, 34443, 29988, 12912, 24075, 15163, 14916}, {7, 7, 7, 7, 7, 7, 6, 6, 6, 6}, 100, 10) ==
        list{10, 10, 10, 10, 10, 1, 10, 1, 1});
  CHECK(frequencies(400, list(10, 4480), list(10, 8), 50, 5) == list(9, 5));
  CHECK(frequencies(100, {2507, 1013, 724, 777, 627}, {4, 4, 4, 3, 3}, 20, 5) == list{5, 5, 5, 1});
}

}  // namespace quipu_replay_memory_test

// What strategies keep and draw: shares against chi-square, herding and k-means against brute force.
#include <quipu/replay/balanced_sampling.hpp>
#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/herding.hpp>
#include <quipu/replay/k_means.hpp>
#include <quipu/replay/random_sampling.hpp>
#include <quipu/replay/replay_strategy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

namespace quipu_replay_strategies_test {

namespace replay = quipu::replay;
using quipu::random_stream;
using replay::candidate;

// Tasks of different sizes, two classes each; the first class of a task has two thirds of it.
std::vector<candidate> tasks_of(const std::vector<std::size_t>& sizes) {
  std::vector<candidate> all;
  for (std::size_t task = 0; task < sizes.size(); ++task) {
    for (std::size_t i = 0; i < sizes[task]; ++i)
      all.push_back({.task = task, .label = 2 * task + (i % 3 == 0 ? 1 : 0), .number = all.size(), .n_byte = 10});
  }
  return all;
}

double chi_square(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  return sum;
}
// The value that a chi-square of n degrees of freedom exceeds with a chance of 1e-3 (Wilson and Hilferty).
double limit_of(std::size_t n) {
  const double d = static_cast<double>(n), a = 2 / (9 * d);
  return d * std::pow(1 - a + 3.0902 * std::sqrt(a), 3);
}

// Draws by a strategy, and how often each candidate should come.
template <class Strategy>
void check_draws(const Strategy& strategy, const std::vector<candidate>& all, const std::vector<double>& shares) {
  const auto sampler = strategy.sampler(all);
  random_stream random(7);
  constexpr std::size_t n = 200'000;
  std::vector<double> seen(all.size()), expected(all.size());
  for (std::size_t i = 0; i < n; ++i) seen[sampler(random)] += 1;
  for (std::size_t i = 0; i < all.size(); ++i) expected[i] = shares[i] * n;
  CAPTURE(Strategy::name);
  CHECK(chi_square(seen, expected) < limit_of(all.size() - 1));
}

template <class Key>
std::vector<double> shares_by(const std::vector<candidate>& all, Key key) {
  std::map<std::size_t, double> n;
  for (const candidate& c : all) n[key(c)] += 1;
  std::vector<double> shares;
  for (const candidate& c : all) shares.push_back(1 / n[key(c)] / static_cast<double>(n.size()));
  return shares;
}

TEST_CASE("draws have the shares that strategies say", "[replay][strategies]") {
  auto all = tasks_of({10, 40, 25});
  const std::vector<double> alike(all.size(), 1.0 / static_cast<double>(all.size()));
  const auto task = [](const candidate& c) { return c.task; };
  check_draws(replay::uniform_task_sampling{}, all, shares_by(all, task));
  check_draws(replay::class_balanced{}, all, shares_by(all, [](const candidate& c) { return c.label; }));
  check_draws(replay::experience_balanced{}, all, alike);
  check_draws(replay::reservoir{}, all, alike);
  check_draws(replay::random_sampling{}, all, alike);
  check_draws(replay::loss_aware{}, all, shares_by(all, task));  // no losses yet
  const double losses[] = {0.5, 1.5, 3};
  auto shares = shares_by(all, task);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].loss = losses[all[i].task];
    shares[i] *= 3 * losses[all[i].task] / 5;
  }
  check_draws(replay::loss_aware{}, all, shares);
  check_draws(replay::loss_aware{.power = 0}, all, shares_by(all, task));
  CHECK_THROWS_AS(replay::group_sampler({{0}, {1}}, {1, -1}), quipu::config_error);
  CHECK_THROWS_AS(replay::group_sampler({{0}, {1}}, {1}), quipu::config_error);
}

TEST_CASE("a reservoir keeps every example that was ever offered with the same chance", "[replay][strategies]") {
  const auto all = tasks_of({30, 50, 20});
  constexpr std::size_t n_kept = 20, n_seed = 4000;
  std::vector<double> seen(all.size());
  const std::vector<double> expected(all.size(), static_cast<double>(n_seed * n_kept) / static_cast<double>(all.size()));
  for (std::uint64_t seed = 0; seed < n_seed; ++seed) {
    // One task after the other: only what was kept is there when the next comes.
    std::vector<candidate> kept;
    for (std::size_t task = 0; task < 3; ++task) {
      std::copy_if(all.begin(), all.end(), std::back_inserter(kept), [&](const candidate& c) { return c.task == task; });
      auto order = replay::reservoir::rank(kept, n_kept, seed);
      order.resize(n_kept);
      std::vector<candidate> next;
      for (const std::size_t i : order) next.push_back(kept[i]);
      kept = next;
    }
    for (const candidate& c : kept) seen[c.number] += 1;
  }
  // Drawn without replacement: the spread is (N - n) / N of the multinomial's, so that the statistic shrinks.
  const double factor = static_cast<double>(all.size()) / static_cast<double>(all.size() - n_kept) * (1 - 1.0 / static_cast<double>(all.size()));
  CHECK(factor * chi_square(seen, expected) < limit_of(all.size() - 1));
}

TEST_CASE("any head of a balanced ranking is balanced", "[replay][strategies]") {
  const auto all = tasks_of({60, 9, 33});
  const auto check = [&](const std::vector<std::size_t>& order, auto key, std::size_t n_group) {
    REQUIRE(std::set<std::size_t>(order.begin(), order.end()).size() == all.size());
    for (const std::size_t n : {1, 7, 24, 50, 102}) {
      std::map<std::size_t, std::size_t> count, whole;
      for (const candidate& c : all) ++whole[key(c)];
      for (std::size_t i = 0; i < n; ++i) ++count[key(all[order[i]])];
      std::size_t most = 0;
      for (const auto& [unused, k] : count) most = std::max(most, k);
      for (const auto& [group, k] : whole) CHECK((count[group] + 1 >= most || count[group] == k));
      CHECK(count.size() <= n_group);
    }
  };
  check(replay::uniform_task_sampling::rank(all, 10, 3), [](const candidate& c) { return c.task; }, 3);
  check(replay::experience_balanced::rank(all, 10, 3), [](const candidate& c) { return c.task; }, 3);
  check(replay::class_balanced::rank(all, 10, 3), [](const candidate& c) { return c.label; }, 6);
  check(replay::random_sampling::rank(all, 10, 3), [](const candidate& c) { return c.label; }, 6);
  CHECK(replay::none::rank(all, 10, 3).empty());
}

struct clouds {
  std::vector<std::vector<float>> features;
  std::vector<candidate> all;
};
clouds made_clouds(std::size_t n, std::size_t d) {
  clouds made;
  random_stream random(11);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> f(d);
    for (float& v : f) v = static_cast<float>(random.normal() + static_cast<double>(i % 3));
    made.features.push_back(f);
  }
  for (std::size_t i = 0; i < n; ++i) made.all.push_back({.label = i % 2, .number = i, .features = made.features[i]});
  return made;
}

TEST_CASE("herding picks what a search over all examples picks", "[replay][strategies]") {
  const auto made = made_clouds(24, 5);
  const auto order = replay::herding{}.rank(made.all, 24, 0);
  for (std::size_t label = 0; label < 2; ++label) {
    std::vector<std::size_t> members, found;
    for (std::size_t i = label; i < made.all.size(); i += 2) members.push_back(i);
    for (const std::size_t i : order) {
      if (made.all[i].label == label) found.push_back(i);
    }
    REQUIRE(found.size() == members.size());
    const auto unit = [&](std::size_t i) {
      std::vector<double> f(made.features[i].begin(), made.features[i].end());
      double length = 0;
      for (const double v : f) length += v * v;
      for (double& v : f) v /= std::sqrt(length);
      return f;
    };
    std::vector<double> mean(5), sum(5);
    for (const std::size_t i : members) {
      for (std::size_t k = 0; k < 5; ++k) mean[k] += unit(i)[k] / static_cast<double>(members.size());
    }
    std::set<std::size_t> left(members.begin(), members.end());
    for (std::size_t n = 1; n <= found.size(); ++n) {
      std::size_t best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (const std::size_t i : left) {
        double distance = 0;
        for (std::size_t k = 0; k < 5; ++k) {
          const double off = mean[k] - (sum[k] + unit(i)[k]) / static_cast<double>(n);
          distance += off * off;
        }
        if (distance < least) least = distance, best = i;
      }
      CHECK(found[n - 1] == best);
      left.erase(best);
      for (std::size_t k = 0; k < 5; ++k) sum[k] += unit(best)[k];
    }
  }
}

TEST_CASE("k-means keeps one example for each cluster of a class, none twice", "[replay][strategies]") {
  // Three tight clusters in each class: whatever the seed, one of each is kept.
  std::vector<std::vector<float>> features;
  random_stream random(5);
  for (std::size_t i = 0; i < 60; ++i) {
    const double centre = 10.0 * static_cast<double>(i % 3);
    features.push_back({static_cast<float>(centre + 0.1 * random.normal()), static_cast<float>(0.1 * random.normal())});
  }
  std::vector<candidate> all;
  for (std::size_t i = 0; i < 60; ++i) all.push_back({.label = i < 30 ? std::size_t{0} : std::size_t{1}, .number = i, .features = features[i]});
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto order = replay::k_means{}.rank(all, 6, seed);
    std::set<std::pair<std::size_t, std::size_t>> kept;
    for (std::size_t i = 0; i < 6; ++i) kept.insert({all[order[i]].label, order[i] % 3});
    CHECK(kept.size() == 6);
    CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 60);
    CHECK(replay::k_means{.per_class = 3}.rank(all, 6, seed).size() == 6);
    CHECK(replay::k_means{}.rank(all, 6, seed) == order);
  }
  CHECK_THROWS_WITH(replay::k_means{.per_class = 31}.rank(all, 1000, 0), Catch::Contains("class 0") && Catch::Contains("31") && Catch::Contains("30"));
  CHECK_THROWS_WITH(replay::k_means{.per_class = 5}.rank(all, 6, 0), Catch::Contains("budget"));
  // Equal examples: there are fewer places than clusters, and still none is kept twice.
  for (auto& f : features) f = {1, 1};
  const auto same = replay::k_means{}.rank(all, 20, 0);
  CHECK(std::set<std::size_t>(same.begin(), same.end()).size() == 60);
}

}  // namespace quipu_replay_strategies_test

#include <quipu/report/bootstrap.hpp>

#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

using namespace quipu::report;

TEST_CASE("bootstrap intervals cover the truth as often as they say", "[report][bootstrap]") {
  // Means of 60 coin throws with p = 0.3; the interval must hold 0.3 in about 95 of 100 experiments.
  int n_covered = 0;
  constexpr int n_experiment = 400;
  for (int e = 0; e < n_experiment; ++e) {
    quipu::random_stream random(17, static_cast<std::uint64_t>(e));
    std::vector<double> throws(60);
    for (double& t : throws) t = random.uniform_double() < 0.3 ? 1 : 0;
    const auto found = bootstrap_interval(throws.size(),
                                          [&](std::span<const std::size_t> units) -> std::optional<double> {
                                            double sum = 0;
                                            for (const std::size_t u : units) sum += throws[u];
                                            return sum / static_cast<double>(units.size());
                                          },
                                          {.n_resample = 300, .seed = static_cast<std::uint64_t>(e)});
    n_covered += found->low <= 0.3 && 0.3 <= found->high ? 1 : 0;
  }
  CHECK(n_covered > 0.90 * n_experiment);
  CHECK(n_covered < 0.985 * n_experiment);
}

TEST_CASE("the same seed gives the same interval, another seed another one", "[report][bootstrap]") {
  const auto mean = [](std::span<const std::size_t> units) -> std::optional<double> {
    double sum = 0;
    for (const std::size_t u : units) sum += static_cast<double>(u * u);
    return sum;
  };
  const auto a = bootstrap_interval(50, mean, {.seed = 1}), b = bootstrap_interval(50, mean, {.seed = 1}),
             c = bootstrap_interval(50, mean, {.seed = 2});
  CHECK(a->low == b->low);
  CHECK(a->high == b->high);
  CHECK(a->low != c->low);
  CHECK(a->low < a->high);
  CHECK_FALSE(bootstrap_interval(0, mean));
  CHECK_FALSE(
      bootstrap_interval(5, [](std::span<const std::size_t>) -> std::optional<double> { return std::nullopt; }));
  CHECK_THROWS_AS(bootstrap_interval(5, mean, {.confidence = 1}), quipu::config_error);
  CHECK_THROWS_AS(bootstrap_interval(5, mean, {.n_resample = 0}), quipu::config_error);
  const std::vector<double> sorted = {0, 10, 20, 30};
  CHECK(sorted_quantile(sorted, 0) == 0);
  CHECK(sorted_quantile(sorted, 1) == 30);
  CHECK(sorted_quantile(sorted, 0.5) == Approx(15));
}

#include <quipu/statistics/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/statistics/logistic_regression.hpp>

using namespace quipu;

namespace {

struct sample {
  std::vector<double> x;  // (n, d)
  std::vector<std::uint8_t> y;
  std::size_t d = 0;
  [[nodiscard]] matrix_view<const double> view() const { return {x.data(), y.size(), d}; }
};

sample make_sample(std::size_t n, std::size_t d, std::uint64_t seed) {
  random_stream random(seed);
  sample s;
  s.d = d;
  for (std::size_t i = 0; i < n; ++i) {
    double z = -0.7;
    for (std::size_t j = 0; j < d; ++j) {
      s.x.push_back(3 * random.normal() + static_cast<double>(j));
      z += (j % 2 == 0 ? 0.4 : -0.2) * (s.x.back() - static_cast<double>(j));
    }
    s.y.push_back(random.uniform_double() < statistics::sigmoid(z) ? 1 : 0);
  }
  return s;
}

/// The objective in terms of the standardised weights, straight from the formula.
double objective(const sample& s, const statistics::logistic_model& m, const std::vector<double>& weights, double bias,
                 double ridge, bool balanced) {
  double positives = 0;
  for (const auto label : s.y) positives += label;
  const auto n = static_cast<double>(s.y.size());
  double sum = 0;
  for (const double w : weights) sum += ridge / 2 * w * w;
  for (std::size_t i = 0; i < s.y.size(); ++i) {
    double z = bias;
    for (std::size_t j = 0; j < s.d; ++j) z += weights[j] * (s.x[i * s.d + j] - m.mean[j]) / m.deviation[j];
    const double w = balanced ? (s.y[i] != 0 ? 0.5 / (positives / n) : 0.5 / (1 - positives / n)) : 1;
    sum += w * std::log(1 + std::exp(s.y[i] != 0 ? -z : z));
  }
  return sum;
}

}  // namespace

TEST_CASE("logistic regression stands at the minimum of its objective", "[statistics][calibration]") {
  for (const bool balanced : {false, true}) {
    for (const double ridge : {0.01, 1.0, 30.0}) {
      const sample s = make_sample(200, 6, 5);
      const auto m = statistics::fit_logistic(s.view(), s.y, {.ridge = ridge, .balanced = balanced});
      const double at = objective(s, m, m.weights, m.bias, ridge, balanced);
      // Central differences of the objective vanish, and every step away goes up.
      for (std::size_t j = 0; j <= s.d; ++j) {
        auto shifted = [&](double by) {
          auto weights = m.weights;
          double bias = m.bias;
          (j < s.d ? weights[j] : bias) += by;
          return objective(s, m, weights, bias, ridge, balanced);
        };
        CHECK(std::abs(shifted(1e-4) - shifted(-1e-4)) / 2e-4 < 1e-5);
        CHECK(shifted(0.05) > at);
        CHECK(shifted(-0.05) > at);
      }
    }
  }
}

TEST_CASE("logistic regression bears separable, constant and many features", "[statistics][calibration]") {
  sample s;
  s.d = 2;
  for (int i = 0; i < 40; ++i) {
    s.x.push_back(i);
    s.x.push_back(7);  // says nothing
    s.y.push_back(i >= 20 ? 1 : 0);
  }
  const auto m = statistics::fit_logistic(s.view(), s.y, {.ridge = 1e-3});
  CHECK(m.weights[0] > 0);
  CHECK(m.weights[1] == Approx(0).margin(1e-9));
  for (std::size_t i = 0; i < 40; ++i) CHECK((m.probability(std::span(s.x).subspan(2 * i, 2)) > 0.5) == (i >= 20));
  // More features than rows: the ridge alone makes the optimum unique.
  const sample wide = make_sample(30, 120, 6);
  CHECK_NOTHROW(statistics::fit_logistic(wide.view(), wide.y, {.ridge = 1}));

  CHECK_THROWS_AS(statistics::fit_logistic(s.view(), std::vector<std::uint8_t>(40, 1)), config_error);
  CHECK_THROWS_AS(statistics::fit_logistic(s.view(), std::vector<std::uint8_t>(39, 1)), shape_error);
  CHECK_THROWS_AS(statistics::fit_logistic(s.view(), s.y, {.ridge = 0}), config_error);
  s.x[5] = std::nan("");
  CHECK_THROWS_WITH(statistics::fit_logistic(s.view(), s.y), Catch::Contains("row 2"));
  CHECK_THROWS_AS(m.score(std::vector<double>{1}), shape_error);
}

TEST_CASE("bounded features count no further than the bound, and weights keep the signs that they must have",
          "[statistics][calibration]") {
  const sample s = make_sample(300, 4, 11);  // the odd features lower the score
  const auto bounded = statistics::fit_logistic(s.view(), s.y, {.bound = 1.5});
  for (std::size_t j = 0; j < s.d; ++j) {
    std::vector<double> at = bounded.mean, far = bounded.mean;
    at[j] += 1.5 * bounded.deviation[j];
    far[j] += 1e9;
    CHECK(bounded.score(far) == Approx(bounded.score(at)).epsilon(1e-12));
    far[j] = -1e9;
    at[j] -= 3 * bounded.deviation[j];
    CHECK(bounded.score(far) == Approx(bounded.score(at)).epsilon(1e-12));
  }
  // The minimum over bounded features: bounding them by hand gives the same weights.
  sample by_hand = s;
  for (std::size_t i = 0; i < by_hand.x.size(); ++i)
    by_hand.x[i] = std::clamp((s.x[i] - bounded.mean[i % s.d]) / bounded.deviation[i % s.d], -1.5, 1.5);
  statistics::logistic_model m = bounded;
  m.mean.assign(s.d, 0);
  m.deviation.assign(s.d, 1);
  const double least = objective(by_hand, m, m.weights, m.bias, 1, true);
  for (std::size_t j = 0; j < s.d; ++j) {
    for (const double by : {0.02, -0.02}) {
      auto weights = m.weights;
      weights[j] += by;
      CHECK(objective(by_hand, m, weights, m.bias, 1, true) > least);
    }
  }

  const auto free = statistics::fit_logistic(s.view(), s.y);
  REQUIRE((free.weights[0] > 0 && free.weights[1] < 0));
  const auto rising = statistics::fit_logistic(s.view(), s.y, {.signs = {1, 1, 0, 0}});
  CHECK(rising.weights[0] > 0);
  CHECK(rising.weights[1] == 0);
  CHECK(rising.weights[3] < 0);
  const auto same = statistics::fit_logistic(s.view(), s.y, {.signs = {1, -1, 1, -1}});
  CHECK(same.weights == free.weights);
  CHECK_THROWS_AS(statistics::fit_logistic(s.view(), s.y, {.signs = {1}}), shape_error);
  CHECK_THROWS_AS(statistics::fit_logistic(s.view(), s.y, {.bound = -1}), config_error);
}

TEST_CASE("Platt scaling recovers a sigmoid and is the minimum of its loss", "[statistics][calibration]") {
  random_stream random(9);
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 20000; ++i) {
    scores.push_back(4 * random.normal());
    labels.push_back(random.uniform_double() < statistics::sigmoid(0.8 * scores.back() - 1.5) ? 1 : 0);
  }
  const auto fit = statistics::fit_platt(scores, labels);
  CHECK(fit.slope == Approx(0.8).margin(0.04));
  CHECK(fit.offset == Approx(-1.5).margin(0.08));
  CHECK_THROWS_AS(statistics::fit_platt(scores, std::vector<std::uint8_t>(20000, 0)), config_error);
  const std::vector<double> far = {-1000, -900, 900, 1000};
  const std::vector<std::uint8_t> two = {0, 0, 1, 1};
  const auto separable = statistics::fit_platt(far, two);
  CHECK(separable(-1000) < 0.3);
  CHECK(separable(1000) > 0.7);
  CHECK(std::isfinite(separable.slope));
}

TEST_CASE("the isotonic fit is the best rising one", "[statistics][calibration]") {
  const std::vector<double> scores = {1, 2, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> labels = {0, 1, 1, 0, 0, 1, 1};
  // By hand: 1 -> 0; {2, 2, 3, 4} pooled -> 1/2; 5, 6 -> 1.
  const statistics::isotonic_scaling fit(scores, labels);
  CHECK(fit(0) == 0);
  CHECK(fit(1) == 0);
  CHECK(fit(2) == 0.5);
  CHECK(fit(3) == 0.5);
  CHECK(fit(4) == 0.5);
  CHECK(fit(4.5) == 0.75);
  CHECK(fit(5) == 1);
  CHECK(fit(9) == 1);
  // Against every rising step function on a grid for random data.
  random_stream random(12);
  for (int round = 0; round < 5; ++round) {
    std::vector<double> x;
    std::vector<std::uint8_t> y;
    for (int i = 0; i < 5; ++i) {
      x.push_back(i);
      y.push_back(static_cast<std::uint8_t>(random.below(2)));
    }
    const statistics::isotonic_scaling found(x, y);
    const auto loss = [&](auto&& value) {
      double sum = 0;
      for (std::size_t i = 0; i < 5; ++i) sum += (value(i) - y[i]) * (value(i) - y[i]);
      return sum;
    };
    double best = 1e9;
    constexpr int grid = 12;  // holds 1/2, 1/3, 1/4 and their multiples
    for (int a = 0; a <= grid; ++a)
      for (int b = a; b <= grid; ++b)
        for (int c = b; c <= grid; ++c)
          for (int d = c; d <= grid; ++d)
            for (int e = d; e <= grid; ++e) {
              const int levels[] = {a, b, c, d, e};
              best = std::min(best, loss([&](std::size_t i) { return static_cast<double>(levels[i]) / grid; }));
            }
    CHECK(loss([&](std::size_t i) { return found(x[i]); }) <= best + 1e-12);
    for (std::size_t i = 1; i < 5; ++i) CHECK(found(x[i]) >= found(x[i - 1]));
  }
}

TEST_CASE("a conformal threshold holds the damage rate that it was asked for", "[statistics][calibration]") {
  for (const double damage : {0.01, 0.05, 0.2}) {
    double sum = 0;
    constexpr int n_repeat = 1000;
    for (int r = 0; r < n_repeat; ++r) {
      random_stream random(31, static_cast<std::uint64_t>(r));
      std::vector<double> calibration(150), fresh(100);
      for (double& s : calibration) s = random.normal();
      for (double& s : fresh) s = random.normal();
      const double threshold = statistics::conformal_threshold(calibration, damage);
      sum +=
          static_cast<double>(std::count_if(fresh.begin(), fresh.end(), [&](double s) { return s > threshold; })) / 100;
    }
    const double rate = sum / n_repeat;
    CAPTURE(damage, rate);
    CHECK(rate <= damage + 0.002);         // the mean over all repeats, within its noise
    CHECK(rate >= damage - 1.0 / 151 - 0.002);  // and not needlessly strict
  }
  const std::vector<double> nineteen(19, 1.0), eighteen(18, 1.0);
  CHECK(statistics::conformal_threshold(nineteen, 0.05) == 1.0);
  CHECK_THROWS_WITH(statistics::conformal_threshold(eighteen, 0.05), Catch::Contains("at least 19"));
  CHECK_THROWS_AS(statistics::conformal_threshold({}, 0.5), config_error);
  CHECK_THROWS_AS(statistics::conformal_threshold(nineteen, 0), config_error);
  CHECK_THROWS_AS(statistics::conformal_threshold(nineteen, 1), config_error);
  const std::vector<double> bad(30, std::nan(""));
  CHECK_THROWS_AS(statistics::conformal_threshold(bad, 0.2), numeric_error);
}

TEST_CASE("the best threshold is found among the scores", "[statistics][calibration]") {
  std::vector<double> scores;
  for (int i = 0; i < 101; ++i) scores.push_back(i);
  const double found = statistics::best_threshold(
      scores, [](double t) { return -std::abs(t - 42.2); }, 101);
  CHECK(found == 42);
  CHECK_THROWS_AS(statistics::best_threshold({}, [](double) { return 0.0; }), config_error);
}

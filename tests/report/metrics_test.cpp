#include <quipu/report/metrics.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using namespace quipu::report;

TEST_CASE("rates of nothing do not exist", "[report][metrics]") {
  tally t;
  CHECK_FALSE(t.rate());
  t.count(true);
  t.count(false);
  t += tally{1, 2};
  CHECK(t.rate() == 0.5);
  CHECK_FALSE(harmonic_mean(std::nullopt, 0.5));
  CHECK(harmonic_mean(0.0, 0.0) == 0.0);
  CHECK(weighted_mean(0.2, 1, std::nullopt, 3) == 0.2);
  CHECK(weighted_mean(0.2, 1, 0.6, 3) == Approx(0.5));
  CHECK_FALSE(weighted_mean(std::nullopt, 1, std::nullopt, 1));
}

TEST_CASE("edit quality is the harmonic mean that the paper's table shows", "[report][metrics]") {
  struct row {
    double success, preservation, quality;
  };
  // Table 3: SERAC, SERAC with data augmentation, one-step MRC, EREN, and three cells of fact checking.
  for (const row& r : {row{96.9, 51.4, 67.2},
                       {93.9, 75.3, 83.6},
                       {98.4, 24.5, 39.2},
                       {96.9, 96.8, 96.9},
                       {81.5, 79.6, 80.5},
                       {93.8, 74.5, 83.0},
                       {41.9, 100, 59.1}}) {
    CHECK(100 * *harmonic_mean(r.success / 100, r.preservation / 100) == Approx(r.quality).margin(0.06));
  }
}

TEST_CASE("AUROC is the share of pairs in the right order", "[report][metrics]") {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> positives(1 + random() % 40), negatives(1 + random() % 40);
    for (double& s : positives) s = static_cast<double>(random() % 12) + 2;  // many ties
    for (double& s : negatives) s = static_cast<double>(random() % 12);
    double wins = 0;
    for (const double p : positives) {
      for (const double n : negatives) wins += p > n ? 1 : p == n ? 0.5 : 0;
    }
    CHECK(*auroc(positives, negatives) == Approx(wins / static_cast<double>(positives.size() * negatives.size())));
  }
  const std::vector<double> one = {1.0}, none, bad = {std::nan("")};
  CHECK_FALSE(auroc(one, none));
  CHECK_FALSE(auroc(none, one));
  CHECK_THROWS_AS(auroc(one, bad), quipu::numeric_error);
}

TEST_CASE("calibration is measured over bins", "[report][metrics]") {
  const std::vector<double> p = {0.05, 0.15, 0.12, 0.95, 1.0, 0.0};
  const std::vector<std::uint8_t> y = {0, 1, 0, 1, 1, 0};
  // Bins: {0.05, 0} none happened; {0.15, 0.12} half; {0.95, 1} all.
  const double expected = (2 * std::abs(0.025 - 0) + 2 * std::abs(0.135 - 0.5) + 2 * std::abs(0.975 - 1)) / 6;
  CHECK(*expected_calibration_error(p, y) == Approx(expected));
  CHECK(*brier_score(p, y) == Approx((0.05 * 0.05 + 0.85 * 0.85 + 0.12 * 0.12 + 0.05 * 0.05) / 6));
  const auto bins = reliability_diagram(p, y);
  CHECK(bins.size() == 10);
  CHECK(bins[0].n == 2);
  CHECK(bins[9].n == 2);
  CHECK(bins[5].n == 0);
  const std::vector<double> outside = {1.5};
  const std::vector<std::uint8_t> single = {1};
  CHECK_THROWS_AS(reliability_diagram(outside, single), quipu::numeric_error);
  CHECK_THROWS_AS(brier_score(p, single), quipu::shape_error);
  CHECK_THROWS_AS(reliability_diagram(p, y, 0), quipu::shape_error);
  CHECK_FALSE(brier_score({}, {}));
  CHECK_FALSE(expected_calibration_error({}, {}));
}

#include <quipu/sparsity/activity_meter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/npy.hpp>
#include <quipu/sparsity/neuron_mask.hpp>

#include "support/shared_data.hpp"

namespace sparsity = quipu::sparsity;
using sparsity::activity_meter;
using sparsity::neuron_mask;

namespace {

using token_rows = std::vector<std::vector<bool>>;

// The definitions, over all tokens at once.
double union_by_hand(const token_rows& rows, std::size_t size) {
  double sum = 0;
  for (std::size_t t = 0; t + size <= rows.size(); ++t) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < rows[t].size(); ++i) {
      bool any = false;
      for (std::size_t k = 0; k < size; ++k) any = any || rows[t + k][i];
      n += any;
    }
    sum += static_cast<double>(n) / static_cast<double>(rows[t].size());
  }
  return sum / static_cast<double>(rows.size() + 1 - size);
}
double shared_by_hand(const token_rows& rows, std::size_t lag, bool jaccard) {
  double sum = 0, n_token = 0;
  for (std::size_t t = lag; t < rows.size(); ++t) {
    double both = 0, either = 0, own = 0;
    for (std::size_t i = 0; i < rows[t].size(); ++i) {
      both += rows[t][i] && rows[t - lag][i], either += rows[t][i] || rows[t - lag][i], own += rows[t][i];
    }
    const double of = jaccard ? either : own;
    if (of > 0) sum += both / of, ++n_token;
  }
  return sum / n_token;
}

activity_meter metered(const token_rows& rows) {
  activity_meter m(rows.front().size());
  for (const auto& row : rows) m.add(neuron_mask::where(row.size(), [&](std::size_t i) { return row[i]; }));
  return m;
}

}  // namespace

TEST_CASE("meters of random masks equal their definitions", "[sparsity][activity_meter]") {
  std::mt19937 engine(5);
  for (const std::size_t n_neuron : {1, 63, 64, 65, 200}) {
    token_rows rows(75, std::vector<bool>(n_neuron));
    for (std::size_t t = 0; t < rows.size(); ++t) {
      for (std::size_t i = 0; i < n_neuron; ++i) rows[t][i] = t != 9 && engine() % 7 == 0;  // a token without any
    }
    const activity_meter m = metered(rows);
    for (std::size_t i = 0; i < activity_meter::union_sizes.size(); ++i)
      CHECK(m.union_density(i) == Approx(union_by_hand(rows, activity_meter::union_sizes[i])));
    for (std::size_t i = 0; i < activity_meter::lags.size(); ++i) {
      if (n_neuron == 1) break;  // it may never be active twice
      CHECK(m.overlap(i) == Approx(shared_by_hand(rows, activity_meter::lags[i], false)));
      CHECK(m.jaccard(i) == Approx(shared_by_hand(rows, activity_meter::lags[i], true)));
    }
    double n = 0, least = 1;
    std::size_t dead = 0;
    for (const auto& row : rows) {
      const auto own = static_cast<double>(std::count(row.begin(), row.end(), true));
      n += own, least = std::min(least, own / static_cast<double>(n_neuron));
    }
    for (std::size_t i = 0; i < n_neuron; ++i) dead += std::none_of(rows.begin(), rows.end(), [&](const auto& row) { return row[i]; });
    CHECK(m.density() == Approx(n / static_cast<double>(rows.size() * n_neuron)));
    CHECK(m.least_density() == least);
    CHECK(m.n_dead() == dead);
    CHECK(m.hottest(1) == 1);
  }
}

TEST_CASE("texts do not run into one another", "[sparsity][activity_meter]") {
  activity_meter m(4);
  const auto only = [](std::size_t neuron) { return neuron_mask::where(4, [=](std::size_t i) { return i == neuron; }); };
  m.add(only(0));
  m.begin_text();
  m.add(only(1));
  CHECK(std::isnan(m.union_density(0)));
  CHECK(std::isnan(m.overlap(0)));
  m.add(only(1));
  CHECK(m.union_density(0) == 0.25);
  CHECK(m.overlap(0) == 1);
  CHECK_THROWS_AS(m.add(neuron_mask(5)), quipu::shape_error);
  CHECK_THROWS_AS(m.hottest(1.5), quipu::config_error);
}

TEST_CASE("masks of values: NaN is active, -0 is not", "[sparsity][neuron_mask]") {
  const std::vector<float> values{0.0f, -0.0f, 1.0f, std::numeric_limits<float>::quiet_NaN(), -3.0f};
  const auto m = neuron_mask::nonzero(std::span<const float>(values));
  CHECK(m.count() == 3);
  CHECK_FALSE(m[1]);
  CHECK(m[3]);
}

// Activations of one layer of ProSparse-7B over 100 tokens; the figures are those published with them.
TEST_CASE("meters on real activations", "[sparsity][activity_meter]") {
  const auto path = quipu::test::shared_root() / "data" / "activations" / "prosparse_7b_layer_100x11008.npy";
  QUIPU_NEEDS(path);
  const auto values = quipu::io::read_npy<float>(path.string());
  REQUIRE(values.dimension() == 2);
  const std::size_t n_token = values.shape()[0], n_neuron = values.shape()[1];
  activity_meter m(n_neuron);
  for (std::size_t t = 0; t < n_token; ++t) m.add(neuron_mask::nonzero(std::span<const float>(values.data() + t * n_neuron, n_neuron)));
  CHECK(100 * m.density() == Approx(10.81).margin(0.005));
  CHECK(100 * m.least_density() == Approx(2.31).margin(0.005));
  CHECK(100 * m.largest_density() == Approx(15.0).margin(0.05));
  CHECK(m.jaccard(0) == Approx(.214).margin(5e-4));
  const double overlaps[] = {.384, .338, .344, .316, .304, .298};
  for (std::size_t i = 0; i < std::size(overlaps); ++i) CHECK(m.overlap(i) == Approx(overlaps[i]).margin(5e-4));
  const double unions[] = {.178, .283, .426, .590, .756};
  for (std::size_t i = 0; i < std::size(unions); ++i) CHECK(m.union_density(i) == Approx(unions[i]).margin(6e-4));
  const std::pair<std::pair<std::uint64_t, std::uint64_t>, std::size_t> skew[] = {
      {{0, 0}, 542},    {{1, 1}, 658},    {{2, 2}, 790},   {{3, 4}, 1488}, {{5, 9}, 3112},
      {{10, 19}, 2915}, {{20, 29}, 893}, {{30, 49}, 435}, {{50, 79}, 67}, {{80, 100}, 108}};
  for (const auto& [between, n] : skew) CHECK(m.n_active_between(between.first, between.second) == n);
  const std::pair<double, double> hottest[] = {{.01, .086}, {.05, .236}, {.10, .357}, {.20, .530}, {.30, .657}, {.50, .836}};
  for (const auto& [share, carried] : hottest) CHECK(m.hottest(share) == Approx(carried).margin(6e-4));
}

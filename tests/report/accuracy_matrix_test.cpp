#include <quipu/report/accuracy_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/report/heat_map.hpp>

using namespace quipu;
using namespace quipu::report;

namespace {

// Right answers of task i after task k, and the number of its texts.
struct random_run {
  std::size_t n_task;
  std::vector<std::vector<std::size_t>> hits;
  std::vector<std::size_t> trials;

  explicit random_run(std::uint64_t seed) {
    random_stream random(seed);
    n_task = 2 + random.below(5);
    for (std::size_t i = 0; i < n_task; ++i) trials.push_back(1 + random.below(40));
    for (std::size_t k = 0; k < n_task; ++k) {
      hits.emplace_back();
      for (std::size_t i = 0; i < n_task; ++i) hits[k].push_back(random.below(static_cast<std::uint32_t>(trials[i] + 1)));
    }
  }
  [[nodiscard]] double r(std::size_t k, std::size_t i) const {
    return static_cast<double>(hits[k][i]) / static_cast<double>(trials[i]);
  }
  [[nodiscard]] accuracy_matrix matrix(bool future) const {
    accuracy_matrix m(std::vector<std::string>(n_task, "t"));
    for (std::size_t k = 0; k < n_task; ++k) {
      std::vector<tally> row;
      for (std::size_t i = 0; i < (future ? n_task : k + 1); ++i) row.push_back({hits[k][i], trials[i]});
      m.add_row(row);
    }
    return m;
  }
};

}  // namespace

TEST_CASE("figures of a hand-made matrix", "[report][accuracy_matrix]") {
  accuracy_matrix m({"a", "b", "c"});
  CHECK_FALSE(m.backward_transfer());
  CHECK_FALSE(m.average_incremental());
  m.add_row({{8, 10}, {1, 10}});
  m.add_row({{9, 10}, {10, 20}, {0, 5}});
  m.add_row({{5, 10}, {18, 20}, {4, 5}});
  CHECK(*m.whole(2) == Approx(27.0 / 35));
  CHECK(*m.average(2) == Approx((0.5 + 0.9 + 0.8) / 3));
  CHECK(*m.whole(0) == Approx(0.8));
  CHECK(*m.average_incremental() == Approx((0.8 + 0.7 + 2.2 / 3) / 3));
  CHECK(*m.backward_transfer() == Approx((0.5 - 0.8 + 0.9 - 0.5) / 2));
  CHECK(*m.forgetting(forgetting_maximum::before_the_last) == Approx((0.9 - 0.5 + 0.5 - 0.9) / 2));
  CHECK(*m.forgetting(forgetting_maximum::all) == Approx((0.9 - 0.5) / 2));
  CHECK(*m.forward_transfer(std::vector<double>{0.9, 0.05, 0.1}) == Approx((0.1 - 0.05 + 0.0 - 0.1) / 2));
  const auto i = m.intransigence(std::vector<double>{1, 1, 1});
  CHECK((*i[0] == Approx(0.2) && *i[1] == Approx(0.5) && *i[2] == Approx(0.2)));
  CHECK(m.as_table().csv() ==
        "after,a,b,c,average,whole\na,80,10,,80,80\nb,90,50,0,70,63.33333333\nc,50,90,80,73.33333333,77.14285714\n");
  CHECK_THROWS_AS(m.add_row({{1, 1}, {1, 1}, {1, 1}}), shape_error);
  accuracy_matrix short_row({"a", "b"});
  short_row.add_row({{1, 1}});
  CHECK_THROWS_AS(short_row.add_row({{1, 1}}), shape_error);
  CHECK_FALSE(short_row.forward_transfer(std::vector<double>{0, 0}));
}

TEST_CASE("figures of random matrices are what their definitions say", "[report][accuracy_matrix]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const random_run run(seed);
    const auto m = run.matrix(seed % 2 == 0);
    const std::size_t n = run.n_task, last = n - 1;
    double bwt = 0, forgotten = 0, forgotten_all = 0, aia = 0;
    for (std::size_t i = 0; i < last; ++i) {
      bwt += run.r(last, i) - run.r(i, i);
      double best = -1, best_all = -1;
      for (std::size_t k = i; k <= last; ++k) {
        if (k < last) best = std::max(best, run.r(k, i));
        best_all = std::max(best_all, run.r(k, i));
      }
      forgotten += best - run.r(last, i);
      forgotten_all += best_all - run.r(last, i);
    }
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0, hits = 0, trials = 0;
      for (std::size_t i = 0; i <= k; ++i) {
        sum += run.r(k, i);
        hits += static_cast<double>(run.hits[k][i]);
        trials += static_cast<double>(run.trials[i]);
      }
      aia += sum / static_cast<double>(k + 1) / static_cast<double>(n);
      CHECK(*m.whole(k) == Approx(hits / trials));
    }
    CHECK(*m.backward_transfer() == Approx(bwt / static_cast<double>(last)).margin(1e-12));
    CHECK(*m.forgetting(forgetting_maximum::before_the_last) == Approx(forgotten / static_cast<double>(last)).margin(1e-12));
    CHECK(*m.forgetting(forgetting_maximum::all) == Approx(forgotten_all / static_cast<double>(last)).margin(1e-12));
    CHECK(*m.average_incremental() == Approx(aia));
    if (seed % 2 != 0) continue;
    double fwt = 0;
    for (std::size_t i = 1; i < n; ++i) fwt += run.r(i - 1, i) - 0.25;
    CHECK(*m.forward_transfer(std::vector<double>(n, 0.25)) == Approx(fwt / static_cast<double>(n - 1)).margin(1e-12));
  }
}

TEST_CASE("confusions are counted", "[report][accuracy_matrix]") {
  confusion_matrix m({"a", "b", "c"});
  for (const auto& [right, answered] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {0, 1}, {1, 2}, {0, 1}, {2, 3}, {2, 2}})
    m.count(right, answered);
  CHECK(m.at(0, 1) == 2);
  CHECK(*m.of_class(0).rate() == Approx(1.0 / 3));
  CHECK(*m.of_class(2).rate() == Approx(0.5));
  CHECK(m.worst(1).csv() == "right,answered,texts\na,b,2\n");
  CHECK_THROWS_AS(m.count(3, 0), shape_error);
  CHECK_THROWS_AS(m.count(0, 4), shape_error);
}

TEST_CASE("runs are summed up with Student's interval", "[report][accuracy_matrix]") {
  const auto f = over_runs(std::vector<double>{1, 2, 3});
  CHECK(f.mean == Approx(2));
  CHECK(f.deviation == Approx(1));
  CHECK(f.half_width == Approx(4.3027 / std::sqrt(3.0)));
  CHECK(over_runs(std::vector<double>{5}).half_width == 0);
  std::vector<double> many(21, 0);
  for (std::size_t i = 0; i < 21; ++i) many[i] = i % 2 == 0 ? 1 : -1;
  const auto m = over_runs(many);
  CHECK(m.half_width == Approx(2.0860 * m.deviation / std::sqrt(21.0)).epsilon(5e-4));  // of 20 degrees of freedom
  CHECK_THROWS_AS(over_runs({}), shape_error);
}

TEST_CASE("heat maps and bars draw what exists", "[report][heat_map]") {
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  };
  const heat_map_data data{{"after <a>", "b"}, {"x", "y"}, {{{50.0}, {}}, {{0.0}, {100.0}}}, 0, 100};
  const std::string map = heat_map(data, {.title = "R"});
  CHECK(count(map, "<rect") == 1 + 3);
  CHECK(count(map, "after &lt;a&gt;") == 1);
  CHECK(count(map, ">50.0<") == 1);
  CHECK(count(map, "rgb(255,255,255)") == 1);
  CHECK(count(map, "rgb(0,114,178)") == 1);
  CHECK_THROWS_AS(heat_map({{"a"}, {"b"}, {{}}, 0, 1}, {}), shape_error);
  CHECK_THROWS_AS(heat_map({{"a"}, {"b"}, {{0.5}}, 1, 1}, {}), config_error);
  CHECK_THROWS_AS(heat_map({{"a"}, {"b"}, {{0.5}}, 0, 1}, {.width = 160}), config_error);

  const std::string bars = bar_plot({"p", "q"}, {{"ours", {1.0, 2.0}}, {"theirs", {3.0, {}}}}, {});
  CHECK(count(bars, "fill=\"#0072b2\"") == 2 + 1);  // and its mark in the legend
  CHECK(count(bars, "fill=\"#d55e00\"") == 1 + 1);
  CHECK_THROWS_AS(bar_plot({"p"}, {{"s", {-1.0}}}, {}), config_error);
  CHECK_THROWS_AS(bar_plot({"p"}, {{"s", {}}}, {}), shape_error);
}

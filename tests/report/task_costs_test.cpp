#include <quipu/report/task_costs.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

namespace quipu_task_costs_test {

namespace report = quipu::report;

namespace {

/// Four tasks that cost 20, 10, 11 and 12 seconds; the memory is full after the third.
std::vector<report::task_cost> four_tasks() {
  std::vector<report::task_cost> all;
  for (std::size_t i = 0; i < 4; ++i) {
    const double seconds[] = {20, 10, 11, 12};
    const std::size_t memory[] = {30, 60, 70, 70}, peak[] = {100u << 20, 200u << 20, 200u << 20, 210u << 20};
    all.push_back({.task = "t" + std::to_string(i), .seconds = seconds[i], .n_flop = 2e12, .n_module_parameter = 40, .n_head_parameter = 10,
                   .n_selector_parameter = 0, .n_module_byte = 5 << 20, .n_head_byte = 1 << 19, .n_memory_byte = memory[i] << 20, .n_selector_byte = 1000 << 20,
                   .n_peak_byte = peak[i]});
  }
  return all;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("costs of tasks stand in a table, module, head, memory and selector apart", "[report][task_costs]") {
  auto costs = four_tasks();
  costs[3].n_peak_byte = 0;
  CHECK(costs[1].n_stored_byte() == (std::size_t{5 + 60 + 1000} << 20) + (1 << 19));
  const auto json = report::task_cost_table(costs).json();
  REQUIRE(json.size() == 4);
  CHECK(json[1]["task"] == "t1");
  CHECK(json[1]["seconds"] == 10);
  CHECK(json[1]["TFLOP"] == 2);
  CHECK(json[1]["module parameters"] == 40);
  CHECK(json[1]["head bytes"] == 1 << 19);
  CHECK(json[1]["memory bytes"] == 60 << 20);
  CHECK(json[1]["selector bytes"] == 1000 << 20);
  CHECK(json[1]["peak MiB"] == 200);
  CHECK(json[3]["peak MiB"].is_null());
}

TEST_CASE("the spread of costs leaves the first task aside", "[report][task_costs]") {
  auto costs = four_tasks();
  const auto spread = report::spread_of(costs);
  CHECK(spread.seconds.value() == Approx(0.2));
  CHECK(spread.flop.value() == Approx(0).margin(1e-12));
  CHECK(spread.peak_memory.value() == Approx(0.05));
  costs[2].n_peak_byte = 0;
  CHECK_FALSE(report::spread_of(costs).peak_memory);
  costs.resize(2);
  CHECK_FALSE(report::spread_of(costs).seconds);
}

TEST_CASE("the picture of costs has a line for each quantity that is known, in multiples of the second task's", "[report][task_costs]") {
  auto costs = four_tasks();
  const std::string svg = report::task_cost_plot(costs);
  CHECK(count_of(svg, "<path") == 4);
  CHECK_THAT(svg, Catch::Contains("task 2") && Catch::Contains("10 s") && Catch::Contains("35.5 MiB more") && Catch::Contains("200 MiB"));
  for (auto& c : costs) c.n_peak_byte = 0;
  CHECK(count_of(report::task_cost_plot(costs), "<path") == 3);
  CHECK_THAT(report::task_cost_plot(std::vector{costs[0]}), Catch::Contains("task 1") && Catch::Contains("20 s"));
  CHECK_THROWS_AS(report::task_cost_plot({}), quipu::config_error);
}

}  // namespace quipu_task_costs_test

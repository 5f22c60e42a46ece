#include <quipu/schedule/schedule.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/golden.hpp"

namespace schedule = quipu::schedule;
namespace test = quipu::test;

namespace {

/// "cosine_warmup5_total20" -> the numbers 5 and 20 (0 if there is none).
std::pair<std::size_t, std::size_t> numbers_in(const std::string& name) {
  const auto number = [&](const std::string& key) -> std::size_t {
    const auto at = name.find(key);
    return at == std::string::npos ? 0 : std::stoul(name.substr(at + key.size()));
  };
  return {number("warmup"), number("total")};
}

template <class Schedule>
void check(const Schedule& s, const nlohmann::json& values) {
  for (std::size_t step = 0; step < values.size(); ++step) {
    CHECK(s(step) == Approx(values[step].get<double>()).epsilon(1e-14).margin(1e-15));
  }
}

}  // namespace

TEST_CASE("schedules are transformers'", "[schedule]") {
  QUIPU_NEEDS(test::golden_case("schedules"));
  const auto golden = test::read_json(test::golden_case("schedules") / "golden.json");
  std::size_t n_checked = 0;
  for (const auto& [name, values] : golden.items()) {
    INFO(name);
    const auto [n_warm_up, total] = numbers_in(name);
    if (name.rfind("cosine", 0) == 0) {
      check(schedule::cosine{n_warm_up, total}, values), ++n_checked;
    } else if (name.rfind("linear", 0) == 0) {
      check(schedule::linear{n_warm_up, total}, values), ++n_checked;
    } else if (name.rfind("constant", 0) == 0) {
      check(schedule::constant{n_warm_up}, values), ++n_checked;
    }
  }
  CHECK(n_checked + 1 == golden.size());  // all but the sine stages
}

TEST_CASE("sine stages follow ProSparse's table", "[schedule]") {
  QUIPU_NEEDS(test::golden_case("schedules"));
  const auto table = test::read_json(test::golden_case("schedules") / "golden.json")["prosparse_7b"];
  const auto ends = table["stage_ends"].get<std::vector<std::size_t>>();
  const auto factors = table["factors"].get<std::vector<double>>();
  REQUIRE(factors[0] == 0);  // the stage before the regularisation
  std::vector<schedule::sine_stages::stage> stages;
  for (std::size_t i = 1; i < ends.size(); ++i) stages.push_back({ends[i], factors[i]});
  const schedule::sine_stages s(ends[0], stages);
  for (std::size_t i = 0; i < table["steps"].size(); ++i) {
    const auto step = table["steps"][i].get<std::size_t>();
    INFO(step);
    CHECK(s(step) == Approx(table["lambda"][i].get<double>()).epsilon(1e-13).margin(1e-16));
  }
  double before = 0;
  for (std::size_t t = 1; t < ends.back() + 10; ++t) {
    CHECK(s(t) >= before);
    before = s(t);
  }
}

TEST_CASE("a damped line has an effect from the first step on and ends at 0", "[schedule]") {
  const schedule::damped_linear s{10, 108};
  for (const std::size_t step : {0, 1, 8, 9, 10, 50, 107}) {
    CHECK(s(step) ==
          Approx(std::min(1.0, (static_cast<double>(step) + 1) / 10) * (1 - static_cast<double>(step) / 108)));
  }
  CHECK(schedule::damped_linear{0, 10}(0) == 1);
  CHECK(s(108) == 0);
}

TEST_CASE("schedules stay at their last value and stages must rise", "[schedule]") {
  CHECK(schedule::cosine{3, 10, 0.1}(10) == Approx(0.1));
  CHECK(schedule::cosine{3, 10, 0.1}(1000) == Approx(0.1));
  CHECK(schedule::linear{3, 10, 0.1}(1000) == Approx(0.1));
  CHECK(schedule::linear{5, 5}(5) == 1.0);
  CHECK(schedule::sine_stages()(7) == 0);
  CHECK_THROWS_AS(schedule::sine_stages(5, {{5, 0.1}}), quipu::config_error);
  CHECK_THROWS_AS(schedule::sine_stages(0, {{5, 0.1}, {9, 0.05}}), quipu::config_error);
  CHECK_THROWS_AS(schedule::sine_stages(0, {{5, std::nan("")}}), quipu::config_error);
}

#include <quipu/schedule/lambda.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/schedule/any_lambda.hpp>
#include <quipu/schedule/seeking_lambda.hpp>

#include "support/golden.hpp"

namespace schedule = quipu::schedule;
namespace test = quipu::test;

TEST_CASE("the published settings are the paper's tables", "[schedule]") {
  const auto l7 = schedule::prosparse_7b(), l13 = schedule::prosparse_13b();
  const auto l1 = schedule::prosparse_1b();
  CHECK(l7(8000) == Approx(2.75e-2).epsilon(1e-14));
  CHECK(l7(14000) == Approx(1.25e-1).epsilon(1e-14));
  struct end {
    std::size_t step;
    double factor;
  };
  // Stage ends are exact.
  for (const end& e : {end{1, 0}, end{5000, 0}, end{5001, 5e-3}, end{6000, 5e-3}, end{10000, 5e-2}, end{12000, 5e-2},
                       end{16000, 2e-1}, end{16500, 2e-1}, end{99999, 2e-1}})
    CHECK(l7(e.step) == e.factor);
  for (const end& e : {end{5500, 0}, end{5501, 5e-3}, end{6750, 5e-3}, end{10750, 1e-2}, end{11000, 1e-2}, end{15000, 2e-2},
                       end{16000, 2e-2}})
    CHECK(l13(e.step) == e.factor);
  for (const end& e : {end{10000, 0}, end{10001, 1e-3}, end{15000, 1e-3}, end{20000, 5e-3}, end{25000, 5e-3}, end{35000, 5e-2},
                       end{95000, 5e-2}, end{95001, 1e-2}, end{101000, 1e-2}})
    CHECK(l1(e.step) == e.factor);
  CHECK(l13(13000) == Approx(1.5e-2).epsilon(1e-14));
  CHECK(l1(30000) == Approx(2.75e-2).epsilon(1e-14));
}

TEST_CASE("the 7B setting is the reference's at every step of its table", "[schedule]") {
  QUIPU_NEEDS(test::golden_case("schedules"));
  const auto table = test::read_json(test::golden_case("schedules") / "golden.json")["prosparse_7b"];
  const auto s = schedule::stages_of(table["stage_ends"].get<std::vector<std::size_t>>(), table["factors"].get<std::vector<double>>());
  const auto named = schedule::prosparse_7b();
  for (std::size_t i = 0; i < table["steps"].size(); ++i) {
    const auto step = table["steps"][i].get<std::size_t>();
    INFO(step);
    CHECK(s(step) == Approx(table["lambda"][i].get<double>()).epsilon(1e-13).margin(1e-16));
    CHECK(named(step) == s(step));
  }
}

TEST_CASE("lambdas are constant, straight or half sine waves between their steps", "[schedule]") {
  const schedule::constant_lambda constant(0.3, 4);
  const schedule::linear_lambda line(10, 20, 2);
  const schedule::sine_lambda sine(10, 20, 2);
  CHECK(constant(4) == 0);
  CHECK(constant(5) == 0.3);
  for (std::size_t t = 0; t < 30; ++t) {
    const double part = t <= 10 ? 0 : t >= 20 ? 1 : (static_cast<double>(t) - 10) / 10;
    CHECK(line(t) == Approx(2 * part).margin(1e-15));
    CHECK(sine(t) == Approx(1 - std::cos(std::acos(-1.0) * part)).margin(1e-15));
  }
  CHECK(sine(20) == 2);
  CHECK(schedule::stages_of({5, 9}, {0.5, 1})(1) == 0.5);  // a first stage that is not 0 begins with step 1
}

TEST_CASE("a shifted schedule gives the first step what another counts as its second", "[schedule]") {
  const schedule::cosine inner{5, 50, 0.1};
  const schedule::shifted s{inner, 1};
  for (std::size_t step = 0; step < 60; ++step) CHECK(s(step) == inner(step + 1));
  CHECK(s(0) == 0.2);
}

TEST_CASE("what is no lambda is refused", "[schedule]") {
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  for (const double bad : {-1.0, nan, infinite}) {
    CHECK_THROWS_AS(schedule::constant_lambda(bad), quipu::config_error);
    CHECK_THROWS_AS(schedule::linear_lambda(0, 5, bad), quipu::config_error);
    CHECK_THROWS_AS(schedule::sine_lambda(0, 5, bad), quipu::config_error);
    CHECK_THROWS_AS(schedule::stages_of({5, 6}, {0, bad}), quipu::config_error);
  }
  CHECK_THROWS_AS(schedule::sine_lambda(5, 5, 1), quipu::config_error);
  CHECK_THROWS_AS(schedule::stages_of({}, {}), quipu::config_error);
  CHECK_THROWS_AS(schedule::stages_of({5, 6}, {0}), quipu::config_error);
  CHECK_THROWS_AS(schedule::stages_of({6, 5}, {0, 1}), quipu::config_error);
  CHECK_THROWS_AS(schedule::stages_of({0, 5}, {0, 1}), quipu::config_error);
  CHECK_THROWS_AS(schedule::stages_of({4, 5, 6}, {0, 1, 0.5}), quipu::config_error);
}

TEST_CASE("a seeking lambda rises below its target, falls above, and goes on from its state", "[schedule]") {
  schedule::seeking_lambda l({.target = 0.5, .first = 1, .growth = 2, .every = 3, .start = 2, .largest = 4});
  CHECK(l(2) == 0);
  CHECK(l(3) == 1);
  l.follow(1, 0.0);  // before the start nothing is learned
  l.follow(2, 0.0);
  for (std::size_t t = 3; t < 6; ++t) l.follow(t, 0.4);
  CHECK(l(6) == 2);
  l.follow(6, 0.9);
  l.follow(7, 0.1);
  schedule::seeking_lambda other({.target = 0.5, .first = 1, .growth = 2, .every = 3, .start = 2, .largest = 4});
  other.restore(l.state());
  for (auto* both : {&l, &other}) both->follow(8, 0.6);  // mean 0.533: above
  CHECK(l(9) == 1);
  CHECK(other(9) == 1);
  for (std::size_t t = 9; t < 30; ++t) l.follow(t, 0.1);
  CHECK(l(30) == 4);  // its bound
  const std::vector<double> bad = {1, 2}, beyond = {99, 0, 0};
  CHECK_THROWS_AS(l.restore(bad), quipu::format_error);
  CHECK_THROWS_AS(l.restore(beyond), quipu::format_error);
  CHECK(l(30) == 4);
  CHECK_THROWS_AS(schedule::seeking_lambda({.target = 1}), quipu::config_error);
  CHECK_THROWS_AS(schedule::seeking_lambda({.growth = 1}), quipu::config_error);
  CHECK_THROWS_AS(schedule::seeking_lambda({.every = 0}), quipu::config_error);
  CHECK_THROWS_AS(schedule::seeking_lambda({.first = std::nan("")}), quipu::config_error);
  CHECK_THROWS_AS(schedule::seeking_lambda({.smallest = 0}), quipu::config_error);
}

TEST_CASE("any lambda is the one it holds", "[schedule]") {
  schedule::any_lambda fixed = schedule::prosparse_7b(), seeking = schedule::seeking_lambda({.first = 1, .every = 1});
  CHECK(fixed(8000) == schedule::prosparse_7b()(8000));
  CHECK_FALSE(fixed.follows());
  CHECK(fixed.state().empty());
  fixed.follow(1, 0);
  CHECK(fixed(8000) == schedule::prosparse_7b()(8000));
  CHECK(seeking.follows());
  seeking.follow(1, 0);
  CHECK(seeking(2) == 1.2);
  schedule::any_lambda again = schedule::seeking_lambda({.first = 1, .every = 1});
  again.restore(seeking.state());
  CHECK(again(2) == 1.2);
  CHECK_THROWS_AS(fixed.restore(seeking.state()), quipu::format_error);
  CHECK(schedule::any_lambda()(3) == 0);
}

// SPDX-License-Identifier: Apache-2.0
#include <quipu/io/resumable_run.hpp>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

struct square {
  double value = 0;
  friend bool operator==(const square&, const square&) = default;
};

struct counted_run {
  std::vector<std::pair<std::size_t, std::size_t>> portions;

  std::vector<square> operator()(std::size_t n, const io::resumable_run_options& options) {
    return io::run_resumable<square>(
        n, options, [](const io::log_fields& in) { return square{in.number("value")}; },
        [](const square& s) -> nlohmann::ordered_json {
          return {{"value", s.value}};
        },
        [&](std::size_t first, std::size_t count) {
          portions.emplace_back(first, count);
          std::vector<square> some;
          for (std::size_t i = first; i < first + count; ++i) some.push_back({static_cast<double>(i * i)});
          return some;
        });
  }
};

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a stopped run goes on where its file ends and ends with the same bytes", "[io][resumable_run]") {
  const test::temp_folder folder;
  const std::string whole = folder.file("whole"), parts = folder.file("parts");
  counted_run once;
  const auto expected = once(7, {.path = whole, .run = "squares", .stage = "squaring", .batch = 3});
  REQUIRE(expected.size() == 7);
  CHECK(expected[6].value == 36);
  CHECK(once.portions == std::vector<std::pair<std::size_t, std::size_t>>{{0, 3}, {3, 3}, {6, 1}});

  counted_run first, second, third;
  const auto stop = [](const progress_state& s) { return s.done < 3; };
  CHECK(first(7, {.path = parts, .run = "squares", .stage = "squaring", .batch = 3, .progress = stop}).size() == 3);
  std::ofstream(parts, std::ios::app) << R"({"value": 9)";  // cut off in writing
  CHECK(second(7, {.path = parts, .run = "squares", .stage = "squaring", .batch = 0}) == expected);
  CHECK(second.portions.front() == std::pair<std::size_t, std::size_t>{3, 1});
  CHECK(second.portions.size() == 4);
  CHECK(text_of(parts) == text_of(whole));
  CHECK(third(7, {.path = parts, .run = "squares"}) == expected);
  CHECK(third.portions.empty());
}

TEST_CASE("another run's file is refused, and without a file nothing is kept", "[io][resumable_run]") {
  const test::temp_folder folder;
  const std::string path = folder.file("run");
  counted_run run;
  CHECK(run(4, {.path = path, .run = "squares"}).size() == 4);
  CHECK_THROWS_AS(run(4, {.path = path, .run = "cubes"}), config_error);
  CHECK_THROWS_AS(run(3, {.path = path, .run = "squares"}), format_error);
  counted_run nowhere;
  CHECK(nowhere(4, {}).size() == 4);
  CHECK(nowhere(4, {}).size() == 4);
  CHECK(nowhere.portions.size() == 2);
}

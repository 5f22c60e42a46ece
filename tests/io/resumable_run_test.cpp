// SPDX-License-Identifier: Apache-2.0
#include <quipu/io/resumable_run.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/kills.hpp"
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

TEST_CASE("a file that is no log of ours is refused and keeps its bytes", "[io][resumable_run]") {
  const test::temp_folder folder;
  counted_run run;
  const std::string binary("\x00\x01\xff{\"run\"", 9);
  for (const std::string& foreign :
       {std::string("a thesis without a line feed"), std::string("a thesis\nwith one\n"), binary,
        std::string(R"({"important": true})"), std::string("{\"important\": true}\n"), std::string("[1]\n"),
        std::string("\n"), std::string(R"({"run":"squares"} )")}) {
    INFO(foreign);
    const std::string path = folder.write("log", foreign);
    CHECK_THROWS_AS(run(4, {.path = path, .run = "squares"}), format_error);
    CHECK(text_of(path) == foreign);
  }
  // The beginning of our own first line is one that was cut off in writing.
  for (const char* cut : {"", "{", R"({"run":"squ)", R"({"run":"squares"})"}) {
    const std::string path = folder.write("log", cut);
    CHECK(run(4, {.path = path, .run = "squares"}).size() == 4);
  }
  CHECK_THROWS_AS(run(4, {.path = "/dev/null", .run = "squares"}), io_error);
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_AS(run(4, {.path = pipe, .run = "squares"}), io_error);
  CHECK_THROWS_AS(run(4, {.path = folder.file("log/below"), .run = "squares"}), io_error);
}

TEST_CASE("two processes on one log: the second is refused", "[io][resumable_run]") {
  const test::temp_folder folder;
  const std::string path = folder.file("log");
  counted_run run;
  const io::resumable_log first(path, "squares");
  const std::string before = text_of(path);
  CHECK(test::status_of_child([&] {
          try {
            counted_run().operator()(4, {.path = path, .run = "squares"});
          } catch (const io_error&) {
            return 0;
          }
          return 1;
        }) == 0);
  CHECK(text_of(path) == before);
}

TEST_CASE("a full disk leaves whole lines in a log", "[io][resumable_run]") {
  const test::temp_folder folder;
  const std::string path = folder.file("log");
  counted_run run;
  CHECK(run(4, {.path = path, .run = "squares"}).size() == 4);
  CHECK(test::status_of_child([&] {
          ::signal(SIGXFSZ, SIG_IGN);
          const ::rlimit limit{200, 200};
          ::setrlimit(RLIMIT_FSIZE, &limit);
          try {
            counted_run().operator()(400, {.path = path, .run = "squares", .batch = 50});
          } catch (const io_error&) {
            return text_of(path).ends_with('\n') ? 0 : 3;
          }
          return 1;
        }) == 0);
  CHECK(run(400, {.path = path, .run = "squares"}).size() == 400);
}

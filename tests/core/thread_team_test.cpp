#include <quipu/core/thread_team.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <system_error>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

using quipu::thread_team;

TEST_CASE("every index is visited exactly once", "[core][thread_team]") {
  for (const std::size_t n_thread : {1, 2, 5}) {
    const thread_team team(n_thread);
    CHECK(team.size() == n_thread);
    for (const std::size_t n : {0, 1, 7, 64, 1001}) {
      for (const std::size_t grain : {1, 3, 2000}) {
        std::vector<std::atomic<int>> visits(n);
        std::atomic<bool> as_promised{true};
        team.parallel_for(n, grain, [&](std::size_t begin, std::size_t end, std::size_t thread) {
          if (thread >= n_thread || end - begin > grain) as_promised = false;
          for (std::size_t i = begin; i < end; ++i) ++visits[i];
        });
        for (const auto& count : visits) CHECK(count == 1);
        CHECK(as_promised);
      }
    }
  }
}

TEST_CASE("many small loops in a row, with pauses that let the workers sleep", "[core][thread_team]") {
  const thread_team team(2);
  std::size_t total = 0;
  for (int step = 0; step < 20000; ++step) {
    std::size_t parts[8] = {};
    team.parallel_for(8, 1, [&](std::size_t begin, std::size_t, std::size_t) { parts[begin] = begin; });
    for (const std::size_t part : parts) total += part;
    if (step % 5000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(total == 20000u * 28u);
}

TEST_CASE("a thread that is late does not hold up a loop", "[core][thread_team]") {
  std::atomic<bool> go{false};
  {
    const thread_team team(2, quipu::thread_pinning::none, [&](std::function<void()> run) {
      return std::thread([&go, run = std::move(run)] {
        go.wait(false);
        run();
      });
    });
    for (const std::size_t n : {2, 7, 1000}) {
      std::vector<std::size_t> order;
      team.parallel_for(n, 1, [&](std::size_t begin, std::size_t, std::size_t) { order.push_back(begin); });
      REQUIRE(order.size() == n);
      // The caller's own share in order, so that it is one stream, then the other's from its end.
      for (std::size_t i = 0; i < n; ++i) CHECK(order[i] == (i < n / 2 ? i : n - 1 - (i - n / 2)));
    }
    go = true;
    go.notify_all();
    std::atomic<std::size_t> sum{0};
    for (int step = 0; step < 100; ++step)
      team.parallel_for(100, 1, [&](std::size_t begin, std::size_t, std::size_t) { sum += begin; });
    CHECK(sum == 100u * 4950u);
  }
}

TEST_CASE("callers on different threads take turns on a shared team", "[core][thread_team]") {
  const thread_team team(2);
  std::atomic<long> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&sum, handle = team] {
      for (int step = 0; step < 500; ++step) {
        handle.parallel_for(10, 1, [&](std::size_t begin, std::size_t, std::size_t) {
          sum += static_cast<long>(begin);
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(sum == 4L * 500L * 45L);
}

TEST_CASE("an absurd number of threads is refused", "[core][thread_team]") {
  CHECK_THROWS_AS(thread_team(5000), quipu::config_error);
}

TEST_CASE("a thread that cannot start is an error of ours, and those that did have ended", "[core][thread_team]") {
  for (const std::size_t fails : {1, 2, 5}) {
    std::atomic<std::size_t> running{0};
    std::size_t started = 0;
    const auto start = [&](std::function<void()> run) {
      if (++started == fails) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
      ++running;
      return std::thread([&running, run = std::move(run)] {
        run();
        --running;
      });
    };
    CHECK_THROWS_WITH(thread_team(6, quipu::thread_pinning::none, start),
                      Catch::Contains("thread_team: expected 6 threads") &&
                          Catch::Contains("no more than " + std::to_string(fails) + " ("));
    CHECK(started == fails);
    CHECK(running == 0);
    started = 0;
    CHECK_THROWS_AS(thread_team(6, quipu::thread_pinning::none, start), quipu::io_error);
  }
  // Nothing is left behind that keeps the next team from working.
  std::atomic<int> n{0};
  thread_team(3).parallel_for(10, 1, [&](std::size_t, std::size_t, std::size_t) { ++n; });
  CHECK(n == 10);
}

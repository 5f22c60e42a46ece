/// @file Runs that are killed at random moments.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>

namespace quipu::test {

/// The status that `job`, which returns one, ends with in a process of its own; 255 if it throws.
template <class Job>
int status_of_child(Job&& job) {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int status = 255;
    try {
      status = job();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/// Starts `job` in a process of its own, again and again, and kills it 30 ms to 30 + `spread_ms` after its start. One
/// that ends before begins anew in an empty folder.
/// @param look  called after every kill
/// @return how often it was killed: `n_kill`, unless that took too many starts
template <class Job, class Look>
std::size_t kill_at_random(std::size_t n_kill, std::uint32_t spread_ms, const std::string& folder, Job&& job,
                           Look&& look) {
  random_stream random(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  std::size_t n_killed = 0;
  for (std::size_t n_started = 0; n_killed < n_kill && n_started < 8 * n_kill; ++n_started) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        job();
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + random.below(spread_ms)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      ++n_killed;
      look();
    }
    if (WIFEXITED(status)) {
      REQUIRE(WEXITSTATUS(status) == 0);
      std::filesystem::remove_all(folder);
    }
  }
  return n_killed;
}
template <class Job>
std::size_t kill_at_random(std::size_t n_kill, std::uint32_t spread_ms, const std::string& folder, Job&& job) {
  return kill_at_random(n_kill, spread_ms, folder, job, [] {});
}

}  // namespace quipu::test

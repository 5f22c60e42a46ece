/// @file Memory that no cache holds, read by all threads with a plain loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/thread_team.hpp>

#include "support/plain_loop.hpp"

namespace quipu::bench {

/// Reads stretches of a large piece of memory one after another.
class plain_reader {
 public:
  /// @param n_byte   of a stretch
  /// @param n_total  of the memory, which is at least one stretch long
  plain_reader(const thread_team& team, std::size_t n_byte, std::size_t n_total = std::size_t{1} << 30)
      : team_(team), memory_(std::max(n_byte, n_total) / 8), n_(n_byte / 8) {
    std::fill_n(memory_.data(), memory_.size(), std::uint64_t{1});
  }

  /// What the next stretch takes.
  [[nodiscard]] double milliseconds() {
    if (at_ + n_ > memory_.size()) at_ = 0;
    const std::uint64_t* const from = memory_.data() + at_;
    at_ += n_;
    std::vector<std::uint64_t> sums(team_.size());
    const auto begin = std::chrono::steady_clock::now();
    team_.parallel_for(n_, (n_ + team_.size() - 1) / team_.size(),
                       [&](std::size_t first, std::size_t last, std::size_t thread) { sums[thread] = plain_sum(from + first, last - first); });
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    for (const auto s : sums) sink_ = sink_ + s;
    return took.count();
  }

 private:
  thread_team team_;
  buffer<std::uint64_t> memory_;
  std::size_t n_, at_ = 0;
  volatile std::uint64_t sink_ = 0;
};

}  // namespace quipu::bench

/// @file How long a thread computes, for tests of how work grows: other programs on the machine do not count.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include <algorithm>
#include <limits>

namespace quipu::test {

/// Seconds of this thread's processor time that `what` takes, the least of five runs.
template <class What>
double least_cpu_seconds(What&& what) {
  const auto now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  double least = std::numeric_limits<double>::infinity();
  for (int run = 0; run < 5; ++run) {
    const double start = now();
    what();
    least = std::min(least, now() - start);
  }
  return least;
}

}  // namespace quipu::test

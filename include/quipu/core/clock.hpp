/// @file The one header that reads a clock; everything else takes time as an argument.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Milliseconds since 1970-01-01 00:00 UTC, leap seconds not counted.
using time_ms = std::int64_t;

/// The time of day now. May jump when the machine's clock is set.
[[nodiscard]] inline time_ms wall_time_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Seconds since some fixed moment; never goes back. For measuring durations and time left.
[[nodiscard]] inline double steady_seconds() noexcept {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace quipu

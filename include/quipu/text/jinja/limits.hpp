/// @file What a rendering of a template may use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text::jinja {

/// What a rendering may use. A template that takes more ends in an error of kind `limits`; nothing here bounds what the
/// variables given to it hold.
struct limits {
  std::size_t steps = 4'000'000;         ///< nodes, loop turns, items and, by 32, bytes looked at
  std::size_t made_bytes = 96 << 20;     ///< of all values made on the way, those no longer used included
  std::size_t output_bytes = 32 << 20;   ///< of the rendered text
  std::size_t depth = 2000;              ///< nested expressions, tags and macros
  std::size_t stack_bytes = 2 << 20;     ///< of the thread's stack
  std::size_t template_bytes = 1 << 20;  ///< of a template's source
  static constexpr std::size_t integer_bits = 16384;
};

/// Where the time of strftime_now comes from: seconds since 1970 of the clock on the wall, without time zone.
struct wall_clock {
  std::int64_t (*seconds)(const void* state) = nullptr;  ///< null: the system's clock in local time
  const void* state = nullptr;
};

}  // namespace quipu::text::jinja

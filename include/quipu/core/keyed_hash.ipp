// What keyed_hash.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/random.h>

#include <chrono>
#include <cstdint>

#include <quipu/core/keyed_hash.hpp>

namespace quipu {

QUIPU_INLINE hash_secret process_hash_secret() noexcept {
  static const hash_secret drawn = []() noexcept {
    std::uint64_t bits[2] = {};
    if (::getrandom(bits, sizeof bits, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof bits)) {
      // Early in a machine's start, or a sandbox: what the clock and the loader's layout give is hard to know too.
      bits[0] = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
      bits[1] = reinterpret_cast<std::uintptr_t>(bits) * 0xD6E8FEB86659FD93u;
    }
    // An odd factor with bits in its upper half: a small one would leave the product's upper word empty.
    return hash_secret{bits[0], bits[1] | 0x8000000000000001u};
  }();
  return drawn;
}

}  // namespace quipu

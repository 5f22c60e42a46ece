/// @file A loop that does nothing but read memory: the limit that decoding is measured by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace quipu::bench {

/// Eight sums, so that no load waits for an addition. What is left over of a multiple of eight is not read.
inline std::uint64_t plain_sum(const std::uint64_t* p, std::size_t n) noexcept {
  std::uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    a += p[i], b += p[i + 1], c += p[i + 2], d += p[i + 3];
    e += p[i + 4], f += p[i + 5], g += p[i + 6], h += p[i + 7];
  }
  return a + b + c + d + e + f + g + h;
}

}  // namespace quipu::bench

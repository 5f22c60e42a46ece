/// @file Damaged copies of small inputs: every truncation and every flipped byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

namespace quipu::test {

struct hostile_counts {
  std::size_t refused = 0;
  std::size_t accepted = 0;
};

/// Gives `read` a copy of `input` in a heap block of exactly its size, so that a sanitizer sees any read
/// past the end. Anything but success or a `quipu::error` fails the test.
template <class Read>
bool survives(std::string_view input, Read read) {
  const std::vector<char> copy(input.begin(), input.end());  // allocates no more than that
  try {
    read(std::as_bytes(std::span<const char>(copy)));
    return true;
  } catch (const quipu::error&) {
    return false;
  }
}

/// Reads every proper prefix of `input`.
template <class Read>
hostile_counts truncations(const std::string& input, Read read) {
  hostile_counts counts;
  for (std::size_t size = 0; size < input.size(); ++size) {
    INFO("truncated to " << size << " of " << input.size());
    ++(survives(std::string_view(input).substr(0, size), read) ? counts.accepted : counts.refused);
  }
  return counts;
}

/// Reads `input` with every byte replaced by several others in turn.
template <class Read>
hostile_counts flips(std::string input, Read read) {
  hostile_counts counts;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const char was = input[i];
    for (const unsigned mask : {0x01u, 0x80u, 0xffu, 0x7fu, 0x20u}) {
      input[i] = static_cast<char>(static_cast<unsigned char>(was) ^ mask);
      INFO("byte " << i << " changed by " << mask);
      ++(survives(input, read) ? counts.accepted : counts.refused);
    }
    input[i] = was;
  }
  return counts;
}

}  // namespace quipu::test

/// @file What every fuzz target does: read bytes, let only errors of the library pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <quipu/core/error.hpp>

namespace quipu::test {

/// Calls `read` with the input. Any other exception than a `quipu::error` ends the program, which
/// libFuzzer reports with the input that caused it.
template <class Read>
int fuzz(const std::uint8_t* data, std::size_t size, Read read) {
  try {
    read(std::as_bytes(std::span(data, size)));
  } catch (const quipu::error&) {
    // the only thing that bad input may lead to
  }
  return 0;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace quipu::test

/// @file What every fuzz target does: read bytes, let only errors of the library pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

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

/// The input as files in one folder in memory, for readers that open paths: what zero bytes part, in the order of the
/// names; the last name gets the rest. The folder is this process's, and the same for all inputs.
inline std::filesystem::path files_of(std::span<const std::byte> bytes, std::initializer_list<const char*> names) {
  static const std::filesystem::path folder = [] {
    std::error_code ignored;
    const bool memory = std::filesystem::is_directory("/dev/shm", ignored);
    std::string made = memory ? "/dev/shm/quipu_fuzz_XXXXXX" : "/tmp/quipu_fuzz_XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) __builtin_trap();
    static std::string remembered = made;
    std::atexit([] {
      std::error_code trouble;
      std::filesystem::remove_all(remembered, trouble);
    });
    return std::filesystem::path(made);
  }();
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t end = i + 1 == names.size() ? rest.size() : std::min(rest.find('\0'), rest.size());
    std::ofstream(folder / names.begin()[i], std::ios::binary) << rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return folder;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace quipu::test

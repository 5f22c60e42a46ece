/// @file What the examples share: a progress bar, the process's memory, and a frame for errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>

namespace terminal {

/// Draws on standard error, and only if that is a terminal.
inline quipu::progress_callback progress_bar() {
  return [shown = std::string()](const quipu::progress_state& s) mutable {
    if (::isatty(STDERR_FILENO) == 0 || s.total == 0) return true;
    constexpr std::size_t width = 30;
    const std::size_t filled = width * s.done / s.total;
    const std::string line = std::string(s.stage) + " [" + std::string(filled, '#') + std::string(width - filled, '.') +
                             "] " + std::to_string(100 * s.done / s.total) + " %";
    if (line != shown) std::cerr << '\r' << (shown = line) << (s.done == s.total ? "\r\033[K" : "") << std::flush;
    return true;
  };
}

/// Writes what the reader of a tokenizer has to say to the standard error stream.
inline void show_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& one : warnings) std::cerr << "warning: " << one << '\n';
}

/// Largest resident size of the process so far, in MiB.
inline double peak_memory_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:" && status >> word) return std::stod(word) / 1024;
  }
  return 0;
}

class stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Runs a program and turns what it throws into a message and exit status 1.
template <class Program>
int run(Program&& program) {
  try {
    return program();
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

}  // namespace terminal

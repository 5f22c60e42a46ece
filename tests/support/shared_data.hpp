/// @file Where tests find real models and reference values, and how they say that one is missing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <catch2/catch.hpp>

namespace quipu::test {

inline std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// Whether tests that count cases run all of them: with `scripts/test --full`, but not under sanitizers, where that would take hours.
inline bool counts_all() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return !setting("QUIPU_FULL").empty();
#endif
}

/// The shared folder: the environment's QUIPU_SHARED, else what CMake was configured with.
inline std::filesystem::path shared_root() {
  const std::string chosen = setting("QUIPU_SHARED");
  return chosen.empty() ? std::filesystem::path(QUIPU_SHARED_DEFAULT) : std::filesystem::path(chosen);
}

/// The golden values: QUIPU_GOLDEN (`scripts/test --golden`) if it has the case, else the shared set.
inline std::filesystem::path golden_case(const std::string& name) {
  const std::string chosen = setting("QUIPU_GOLDEN");
  if (!chosen.empty() && std::filesystem::exists(std::filesystem::path(chosen) / name)) {
    return std::filesystem::path(chosen) / name;
  }
  return shared_root() / "golden" / name;
}

/// Skips of this run; if there are any and nothing failed it ends with ctest's skip code, see skips.cpp.
inline int n_skip = 0;

/// Notes that a test was left out for want of a program or package that only some machines have. Unlike missing
/// data this is never a failure.
inline void note_missing_tool(const std::string& cause) {
  ++n_skip;
  const std::string log = setting("QUIPU_SKIP_LOG");
  if (!log.empty()) std::ofstream(log, std::ios::app) << cause << '\n';
  std::cerr << "SKIPPED: " << cause << '\n';
}

/// Notes a skip for want of data; the summary of `scripts/test` counts them by cause.
inline void note_skip(const std::string& cause) {
  note_missing_tool(cause);
  if (setting("QUIPU_REQUIRE_DATA") == "1") FAIL("data required, but " << cause);
}

/// True if `path` is there. If the shared folder itself is missing the skip is noted; if the
/// folder exists and the case in it does not, the test fails.
inline bool have(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return true;
  if (!std::filesystem::exists(shared_root())) {
    note_skip("no shared data folder");
    return false;
  }
  FAIL("missing in the shared data folder: " << path.string());
  return false;
}

/// The SmolLM2-135M-Instruct GGUF that scripts/fetch_model caches; empty path if it is absent.
inline std::filesystem::path smollm2_path() {
  const std::string chosen = setting("QUIPU_SMOLLM2");
  if (!chosen.empty() && std::filesystem::exists(chosen)) return chosen;
  std::string cache = setting("XDG_CACHE_HOME");
  if (cache.empty()) cache = setting("HOME") + "/.cache";
  const auto path = std::filesystem::path(cache) / "quipu" / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (std::filesystem::exists(path)) return path;
  note_skip("no SmolLM2 checkpoint (scripts/fetch_model)");
  return {};
}

}  // namespace quipu::test

/// Leaves the test case, with the cause noted, if `path` is not there.
#define QUIPU_NEEDS(path) \
  if (!::quipu::test::have(path)) return

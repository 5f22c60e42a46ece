/// @file Where benchmarks find real models and texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace quipu::bench {

/// A path below the shared folder: the environment's QUIPU_SHARED, else what CMake was configured with.
inline std::filesystem::path shared_path(const std::filesystem::path& below) {
  const char* chosen = std::getenv("QUIPU_SHARED");
  return std::filesystem::path(chosen == nullptr ? QUIPU_SHARED_DEFAULT : chosen) / below;
}

}  // namespace quipu::bench

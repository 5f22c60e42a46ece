/// @file Files that earlier versions of the library wrote, kept in tests/earlier.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "support/temp_folder.hpp"

namespace quipu::test {

/// A copy of tests/earlier/`name` that a test may write to. @throws std::filesystem::filesystem_error  it is not there
inline std::string earlier_file(const temp_folder& folder, const std::string& name) {
  const std::filesystem::path kept = std::filesystem::path(__FILE__).parent_path().parent_path() / "earlier" / name;
  const std::string copy = folder.file(kept.filename().string());
  std::filesystem::copy_file(kept, copy);
  return copy;
}

}  // namespace quipu::test

// What atomic_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/atomic_folder.hpp>

namespace quipu::io {

QUIPU_INLINE atomic_folder::atomic_folder(std::filesystem::path wanted) : wanted_(std::move(wanted)) {
  if (!wanted_.has_filename()) wanted_ = wanted_.parent_path();  // "out/"
  staged_ = wanted_;
  staged_ += concat(".part-", ::getpid());
  std::error_code trouble;
  std::filesystem::remove_all(staged_, trouble);  // of a process of the same number that was killed
  std::filesystem::create_directories(staged_, trouble);
  if (trouble) refuse(staged_, "cannot make the folder", trouble);
}

QUIPU_INLINE atomic_folder::~atomic_folder() {
  std::error_code ignored;
  if (!staged_.empty()) std::filesystem::remove_all(staged_, ignored);
}

QUIPU_INLINE void atomic_folder::commit(std::string_view last, std::span<const std::string_view> obsolete) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  if (!fs::exists(wanted_, trouble)) {
    fs::rename(staged_, wanted_, trouble);
    if (trouble) refuse(wanted_, "cannot make the folder", trouble);
    staged_.clear();
    return;
  }
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(staged_)) names.push_back(entry.path().filename());
  std::stable_partition(names.begin(), names.end(), [&](const fs::path& name) { return name != last; });
  for (const std::string_view name : obsolete) {
    if (!fs::exists(staged_ / name, trouble)) fs::remove(wanted_ / name, trouble);
  }
  for (const fs::path& name : names) {
    fs::rename(staged_ / name, wanted_ / name, trouble);
    if (trouble) refuse(wanted_ / name, "cannot replace", trouble);
  }
}

QUIPU_INLINE void atomic_folder::refuse(const std::filesystem::path& path, const char* what,
                                        const std::error_code& trouble) {
  throw io_error(concat(path.string(), ": ", what, " (", trouble.message(), ")"));
}

}  // namespace quipu::io

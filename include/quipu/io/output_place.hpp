/// @file Where files are written: behind links, and under a name of our own until they are whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

namespace detail {
/// What ends a name of `staged_path` that begins with `begin`.
[[nodiscard]] std::string staged_check(std::string_view begin);
}  // namespace detail

/// What a path leads to through symbolic links; it need not be there.
/// @throws io_error  links in a circle
[[nodiscard]] std::string behind_links(const std::string& path);

/// A name beside `wanted` for what is being written, another one with every call: "WANTED.part-PID-N-CHECKSUM".
[[nodiscard]] std::string staged_path(const std::string& wanted);

/// Whether `staged_path` made a file's name: its checksum says so, which no name has by chance.
[[nodiscard]] bool is_staged_name(std::string_view name) noexcept;

enum class lock_state {
  held,      ///< by us
  taken,     ///< by another process
  no_locks,  ///< the file system has none
};
/// Locks an open file or folder until it is closed; the system unlocks it when a process dies. Does not wait.
[[nodiscard]] lock_state try_lock(int descriptor) noexcept;

/// Removes what killed processes left in a folder: files and folders with names of `staged_path`, which the living
/// hold locked. Whatever else has ".part-" in its name stays.
/// @param wanted  only what was to become this file or folder; empty: all
void remove_leftovers(const std::filesystem::path& folder, std::string_view wanted = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/output_place.ipp>
#endif

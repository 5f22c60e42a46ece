// What output_place.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/io/output_place.hpp>

namespace quipu::io {

namespace detail {

inline constexpr std::string_view staged_mark = ".part-";

QUIPU_INLINE std::string staged_check(std::string_view begin) {
  return "-" + hex_digits(crc32(begin, crc32("quipu")));
}

}  // namespace detail

QUIPU_INLINE std::string behind_links(const std::string& path) {
  namespace fs = std::filesystem;
  fs::path at = path;
  for (int n_link = 0; n_link < 40; ++n_link) {  // as many as Linux follows
    // What these name are open files, not paths, though they look like links.
    if (at.parent_path() == "/proc/self/fd" || at.parent_path() == "/dev/fd") return at.string();
    std::error_code trouble;
    if (!fs::is_symlink(fs::symlink_status(at, trouble))) return at.string();
    const fs::path next = fs::read_symlink(at, trouble);
    if (trouble) throw io_error(concat(path, ": cannot follow the link (", trouble.message(), ")"));
    at = at.parent_path() / next;  // an absolute one replaces what stands before it
  }
  throw io_error(concat(path, ": expected a file, found links in a circle"));
}

QUIPU_INLINE std::string staged_path(const std::string& wanted) {
  static std::atomic<std::uint64_t> next{0};
  const std::size_t slash = wanted.find_last_of('/');
  const std::size_t name_at = slash == std::string::npos ? 0 : slash + 1;
  const std::string name = concat(wanted.substr(name_at), detail::staged_mark, ::getpid(), "-", next++);
  return concat(wanted.substr(0, name_at), name, detail::staged_check(name));
}

QUIPU_INLINE bool is_staged_name(std::string_view name) noexcept {
  constexpr std::size_t n_check = 9;
  if (name.size() < n_check || name.rfind(detail::staged_mark, name.size() - n_check) == std::string_view::npos)
    return false;
  const std::string_view begin = name.substr(0, name.size() - n_check);
  return name.substr(begin.size()) == detail::staged_check(begin);
}

QUIPU_INLINE lock_state try_lock(int descriptor) noexcept {
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return errno == EWOULDBLOCK ? lock_state::taken : lock_state::no_locks;
  }
  return lock_state::held;
}

QUIPU_INLINE void remove_leftovers(const std::filesystem::path& folder, std::string_view wanted) {
  namespace fs = std::filesystem;
  std::error_code ignored;  // what cannot be removed is in nobody's way
  for (fs::directory_iterator at(folder.empty() ? "." : folder, ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    const bool fits = wanted.empty() || (name.starts_with(wanted) &&
                                         name.compare(wanted.size(), detail::staged_mark.size(),
                                                      detail::staged_mark) == 0);
    if (!fits || !is_staged_name(name)) continue;
    std::error_code trouble;
    const fs::file_status what = fs::symlink_status(at->path(), trouble);
    if (!fs::is_regular_file(what) && !fs::is_directory(what)) continue;
    const int descriptor = ::open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (try_lock(descriptor) == lock_state::held) {
      if (fs::is_directory(what)) {  // of files; whatever else somebody put there stays
        for (const auto& entry : fs::directory_iterator(at->path(), trouble)) {
          if (!fs::is_directory(entry.symlink_status(trouble))) fs::remove(entry.path(), trouble);
        }
      }
      fs::remove(at->path(), trouble);
    }
    ::close(descriptor);
  }
}

}  // namespace quipu::io

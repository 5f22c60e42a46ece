// What atomic_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/output_place.hpp>

namespace quipu::io {

namespace detail {

[[nodiscard]] inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

/// A folder locked while others of us change it, if its file system has locks.
class locked_folder {
 public:
  explicit locked_folder(const std::filesystem::path& path) noexcept {
    for (;;) {
      descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (descriptor_ < 0) return;
      while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
      }
      struct ::stat ours {}, there {};
      const bool moved = ::fstat(descriptor_, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
                         (ours.st_ino != there.st_ino || ours.st_dev != there.st_dev);
      if (!moved) return;
      ::close(descriptor_);  // another one has taken its place while we waited
    }
  }
  locked_folder(const locked_folder&) = delete;
  locked_folder& operator=(const locked_folder&) = delete;
  ~locked_folder() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  int descriptor_ = -1;
};

inline void sync_folder(const std::filesystem::path& folder) noexcept {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);  // some file systems cannot
  ::close(descriptor);
}

[[nodiscard]] inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

}  // namespace detail

QUIPU_INLINE atomic_folder::atomic_folder(std::filesystem::path wanted) : wanted_(std::move(wanted)) {
  namespace fs = std::filesystem;
  if (!wanted_.has_filename()) wanted_ = wanted_.parent_path();  // "out/"
  wanted_ = behind_links(wanted_.string());
  std::error_code trouble;
  if (const auto there = fs::status(wanted_, trouble); fs::exists(there) && !fs::is_directory(there))
    fail<io_error>(wanted_.string(), "a folder", "something else of that name");
  const fs::path parent = wanted_.parent_path();
  if (!parent.empty()) fs::create_directories(parent, trouble);
  if (!parent.empty() && trouble) refuse(parent, "cannot make the folder", trouble);
  remove_leftovers(parent, wanted_.filename().string());
  for (;;) {
    staged_ = staged_path(wanted_.string());
    if (::mkdir(staged_.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;  // of a killed process with our number; the next name is free
      refuse(staged_, "cannot make the folder", detail::last_error());
    }
    descriptor_ = ::open(staged_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0 && errno != ENOENT) refuse(staged_, "cannot open the folder", detail::last_error());
    struct ::stat made {};
    // Who clears up leftovers may have taken it before it was locked.
    if (descriptor_ >= 0 && try_lock(descriptor_) != lock_state::taken && ::fstat(descriptor_, &made) == 0 &&
        made.st_nlink > 0) {
      return;
    }
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
}

QUIPU_INLINE atomic_folder::~atomic_folder() {
  std::error_code ignored;
  if (!staged_.empty()) std::filesystem::remove_all(staged_, ignored);
  if (descriptor_ >= 0) ::close(descriptor_);
}

QUIPU_INLINE void atomic_folder::commit(std::string_view last, std::span<const std::string_view> obsolete) {
  ::fsync(descriptor_);
  if (::rename(staged_.c_str(), wanted_.c_str()) == 0) {  // it was not there, or is empty
    staged_.clear();
    detail::sync_folder(wanted_.parent_path());
    return;
  }
  if (errno != ENOTEMPTY && errno != EEXIST) refuse(wanted_, "cannot make the folder", detail::last_error());
  const detail::locked_folder alone(wanted_);
  if (!exchange(obsolete)) replace_one_by_one(last, obsolete);
  detail::sync_folder(wanted_.parent_path());
}

QUIPU_INLINE bool atomic_folder::exchange(std::span<const std::string_view> obsolete) {
  namespace fs = std::filesystem;
  std::vector<std::string> replaced, theirs;
  for (const auto& entry : fs::directory_iterator(wanted_)) {
    const std::string name = entry.path().filename().string();
    std::error_code trouble;
    const fs::file_status old = entry.symlink_status(trouble);
    if (trouble || fs::is_directory(old)) return false;
    if (fs::exists(staged_ / name, trouble)) {
      if (!fs::is_regular_file(old)) return false;
      fs::permissions(staged_ / name, old.permissions(), trouble);
      if (trouble) return false;
      replaced.push_back(name);
    } else if (std::find(obsolete.begin(), obsolete.end(), name) == obsolete.end()) {
      theirs.push_back(name);
    } else {
      replaced.push_back(name);
    }
  }
  const auto link = [&](const std::string& name) {
    return ::linkat(AT_FDCWD, (wanted_ / name).c_str(), AT_FDCWD, (staged_ / name).c_str(), 0) == 0;
  };
  std::size_t n_linked = 0;
  while (n_linked < theirs.size() && link(theirs[n_linked])) ++n_linked;
  struct ::stat old {};
  constexpr unsigned swap_both = 2;  // RENAME_EXCHANGE, which not every libc names
  const bool done = n_linked == theirs.size() && ::stat(wanted_.c_str(), &old) == 0 &&
                    ::fchmod(descriptor_, old.st_mode & 07777u) == 0 && ::fsync(descriptor_) == 0 &&
                    ::syscall(SYS_renameat2, AT_FDCWD, staged_.c_str(), AT_FDCWD, wanted_.c_str(), swap_both) == 0;
  if (!done) {
    for (std::size_t i = 0; i < n_linked; ++i) ::unlink((staged_ / theirs[i]).c_str());
    return false;
  }
  const fs::path before = staged_;
  staged_.clear();
  for (const auto& names : {replaced, theirs})
    for (const std::string& name : names) ::unlink((before / name).c_str());
  std::error_code ignored;
  // What somebody put there while we looked away.
  for (const std::string& name : detail::names_in(before)) {
    if (!fs::exists(wanted_ / name, ignored)) fs::rename(before / name, wanted_ / name, ignored);
  }
  ::rmdir(before.c_str());
  return true;
}

QUIPU_INLINE void atomic_folder::replace_one_by_one(std::string_view last,
                                                    std::span<const std::string_view> obsolete) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  std::vector<std::string> names = detail::names_in(staged_);
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) { return name != last; });
  const fs::path old_last = staged_path((staged_ / last).string());
  const bool had_last = fs::exists(fs::symlink_status(wanted_ / last, trouble));
  if (had_last) fs::rename(wanted_ / last, old_last, trouble);
  if (had_last && trouble) refuse(wanted_ / last, "cannot replace", trouble);
  for (const std::string_view name : obsolete) {
    if (!fs::exists(staged_ / name, trouble)) fs::remove(wanted_ / name, trouble);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const fs::path from = staged_ / names[i], to = wanted_ / names[i];
    if (fs::is_symlink(fs::symlink_status(to, trouble))) {  // it stays one
      const mapped_file bytes(from.string());
      write_text(to.string(), bytes.text());
      continue;
    }
    const fs::path kept = names[i] == last && had_last ? old_last : to;
    if (const auto old = fs::symlink_status(kept, trouble); fs::is_regular_file(old))
      fs::permissions(from, old.permissions(), trouble);
    fs::rename(from, to, trouble);
    if (!trouble) continue;
    std::error_code ignored;
    if (i == 0 && had_last) fs::rename(old_last, wanted_ / last, ignored);  // nothing has changed
    refuse(to, "cannot replace", trouble);
  }
}

QUIPU_INLINE void atomic_folder::refuse(const std::filesystem::path& path, const char* what,
                                        const std::error_code& trouble) {
  throw io_error(concat(path.string(), ": ", what, " (", trouble.message(), ")"));
}

}  // namespace quipu::io

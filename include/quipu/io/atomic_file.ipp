// What atomic_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/output_place.hpp>

namespace quipu::io {

namespace detail {

/// N of "/proc/self/fd/N" and "/dev/fd/N", else -1.
[[nodiscard]] inline int own_descriptor(std::string_view path) noexcept {
  for (const std::string_view folder : {std::string_view("/proc/self/fd/"), std::string_view("/dev/fd/")}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* const end = path.data() + path.size();
    const auto read = std::from_chars(path.data() + folder.size(), end, number);
    return read.ec == std::errc() && read.ptr == end ? number : -1;
  }
  return -1;
}

}  // namespace detail

QUIPU_INLINE atomic_file::atomic_file(std::string path) : path_(std::move(path)), target_(behind_links(path_)) {
  struct ::stat there {};
  if (const int open_one = detail::own_descriptor(target_); open_one >= 0) {
    // Opening it anew would begin at its first byte, over what the program has written there.
    descriptor_ = ::fcntl(open_one, F_DUPFD_CLOEXEC, 0);
    if (descriptor_ < 0) refuse("cannot write");
  } else if (::stat(target_.c_str(), &there) != 0) {
    open_beside(false, 0);
  } else if (S_ISREG(there.st_mode)) {
    if (::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) refuse("cannot write");
    open_beside(true, there.st_mode & 07777u);
    // Where we may not give it to its owner it is ours, with the same permissions.
    const bool changed = there.st_uid != ::geteuid() || there.st_gid != ::getegid();
    if (changed && ::fchown(descriptor_, there.st_uid, there.st_gid) == 0)
      static_cast<void>(::fchmod(descriptor_, there.st_mode & 07777u));  // fchown takes set-user-id bits away
  } else if (S_ISDIR(there.st_mode) || S_ISBLK(there.st_mode)) {
    fail<io_error>(path_, "a file to write to", S_ISDIR(there.st_mode) ? "a folder" : "a block device");
  } else {
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor_ < 0) refuse("cannot open");
  }
  buffer_.reserve(buffer_bytes);
}

QUIPU_INLINE void atomic_file::open_beside(bool replaces, unsigned mode) {
  for (;;) {
    temporary_ = staged_path(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0600 : 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;  // of a killed process with our number; the next name is free
    if (descriptor_ < 0) refuse("cannot create");
    struct ::stat made {};
    // Who clears up leftovers may have taken it before it was locked.
    if (try_lock(descriptor_) != lock_state::taken && ::fstat(descriptor_, &made) == 0 && made.st_nlink > 0) break;
    ::close(descriptor_);
    descriptor_ = -1;
  }
  if (replaces && ::fchmod(descriptor_, mode) != 0) {
    const int cause = errno;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
    errno = cause;
    refuse("cannot keep its permissions");
  }
}

QUIPU_INLINE atomic_file::~atomic_file() {
  if (descriptor_ < 0) return;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  ::close(descriptor_);
}

QUIPU_INLINE void atomic_file::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (sums_) checksum_ = crc32({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, checksum_);
  if (buffer_.size() + bytes.size() > buffer_bytes) flush();
  if (bytes.size() > buffer_bytes) {
    write_all(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

QUIPU_INLINE void atomic_file::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

QUIPU_INLINE void atomic_file::pad(std::size_t alignment) {
  const std::vector<std::byte> zeros((alignment - size_ % alignment) % alignment);
  write(zeros);
}

QUIPU_INLINE void atomic_file::commit() {
  flush();
  if (::fsync(descriptor_) != 0 && !temporary_.empty()) refuse("cannot write to disk");  // pipes have no disk
  if (temporary_.empty()) {
    const int done = ::close(descriptor_);
    descriptor_ = -1;
    if (done != 0) refuse("cannot write");
    return;
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse("cannot replace");
  ::close(descriptor_);
  descriptor_ = -1;
  const std::size_t slash = target_.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
  const int entry = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (entry >= 0) {
    ::fsync(entry);  // some file systems cannot; the rename stands either way
    ::close(entry);
  }
}

QUIPU_INLINE void atomic_file::refuse(const char* what) const {
  throw io_error(concat(path_, ": ", what, " (", std::strerror(errno), ")"));
}

QUIPU_INLINE void atomic_file::flush() {
  write_all(buffer_);
  buffer_.clear();
}

QUIPU_INLINE void atomic_file::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

QUIPU_INLINE void write_text(const std::string& path, std::string_view text) {
  atomic_file file(path);
  file.write(text);
  file.commit();
}

}  // namespace quipu::io

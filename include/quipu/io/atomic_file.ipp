// What atomic_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>

namespace quipu::io {

QUIPU_INLINE atomic_file::atomic_file(std::string path) : path_(std::move(path)) {
  static std::atomic<std::uint64_t> next{0};
  temporary_ = concat(path_, ".part-", ::getpid(), "-", next++);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) refuse(temporary_, "cannot create");
  buffer_.reserve(buffer_bytes);
}

QUIPU_INLINE atomic_file::~atomic_file() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
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
  if (::fsync(descriptor_) != 0) refuse(temporary_, "cannot write to disk");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse(path_, "cannot replace");
  ::close(descriptor_);
  descriptor_ = -1;
  const std::size_t slash = path_.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int entry = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (entry >= 0) {
    ::fsync(entry);  // some file systems cannot; the rename stands either way
    ::close(entry);
  }
}

QUIPU_INLINE void atomic_file::refuse(const std::string& path, const char* what) {
  throw io_error(concat(path, ": ", what, " (", std::strerror(errno), ")"));
}

QUIPU_INLINE void atomic_file::flush() {
  write_all(buffer_);
  buffer_.clear();
}

QUIPU_INLINE void atomic_file::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(temporary_, "cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

QUIPU_INLINE void write_text(const std::string& path, std::string_view text) {
  atomic_file file(path);
  file.write(text);
  file.commit();
}

}  // namespace quipu::io

/// @file A read-only file mapped into memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // io_error

namespace quipu {

/// Read-only view of a whole file; pages are loaded when touched.
///
/// The file must not shrink while it is mapped (POSIX then delivers SIGBUS); checkpoints are replaced
/// by rename, which leaves a mapped file as it was.
class mapped_file {
 public:
  mapped_file() = default;

  /// @throws io_error  the path cannot be opened or mapped, or is not a regular file
  explicit mapped_file(const std::string& path) : path_(path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw io_error(concat(path, ": cannot open (", std::strerror(errno), ")"));
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
      const bool folder = S_ISDIR(facts.st_mode);
      ::close(descriptor);
      fail<io_error>(path, "a regular file", folder ? "a directory" : "something else");
    }
    size_ = static_cast<std::size_t>(facts.st_size);
    if (size_ > 0) {
      void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (address == MAP_FAILED) {
        const int reason = errno;
        ::close(descriptor);
        throw io_error(concat(path, ": cannot map (", std::strerror(reason), ")"));
      }
      data_ = static_cast<const std::byte*>(address);
    }
    ::close(descriptor);
  }

  mapped_file(mapped_file&& other) noexcept { swap(other); }
  mapped_file& operator=(mapped_file&& other) noexcept {
    mapped_file moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~mapped_file() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Tells the kernel that `part` will not be read again soon, so that its pages stop counting as resident; a
  /// later read loads them again. Does nothing if `part` lies outside the file.
  void release_if_within(std::span<const std::byte> part) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(part.data()), file = reinterpret_cast<std::uintptr_t>(data_);
    if (begin < file || begin + part.size() > file + size_) return;
    constexpr std::uintptr_t page = 4096;
    const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + part.size()) / page * page;
    if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }

 private:
  void swap(mapped_file& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace quipu

// What mapped_file.hpp declares.
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
#include <span>
#include <string>

#include <quipu/core/error.hpp>  // io_error
#include <quipu/core/mapped_file.hpp>

namespace quipu {

QUIPU_INLINE mapped_file::mapped_file(const std::string& path) : path_(path) {
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

QUIPU_INLINE mapped_file::~mapped_file() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

QUIPU_INLINE void mapped_file::release_if_within(std::span<const std::byte> part) const noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data()), file = reinterpret_cast<std::uintptr_t>(data_);
  if (begin < file || begin + part.size() > file + size_) return;
  constexpr std::uintptr_t page = 4096;
  const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace quipu

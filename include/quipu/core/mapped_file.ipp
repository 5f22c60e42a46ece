// What mapped_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include <quipu/core/error.hpp>  // io_error
#include <quipu/core/mapped_file.hpp>

namespace quipu {

namespace detail {

/// One mapped file as a signal handler may look at it.
struct mapping_slot {
  std::atomic<bool> used{false};
  std::atomic<std::uintptr_t> begin{0}, end{0};
  std::atomic<char*> path{nullptr};
};

inline constexpr int n_mapping_slot = 4096;

[[nodiscard]] inline mapping_slot* mapping_slots() noexcept {
  static constinit mapping_slot slots[n_mapping_slot];
  return slots;
}

/// @return the slot's number, or -1 if all are taken
[[nodiscard]] inline int note_mapping(const void* begin, std::size_t size, const std::string& path) noexcept {
  for (int i = 0; i < n_mapping_slot; ++i) {
    mapping_slot& slot = mapping_slots()[i];
    if (slot.used.load(std::memory_order_relaxed) || slot.used.exchange(true)) continue;
    slot.path = ::strdup(path.c_str());
    slot.begin = reinterpret_cast<std::uintptr_t>(begin);
    slot.end = reinterpret_cast<std::uintptr_t>(begin) + size;
    return i;
  }
  return -1;
}

inline void forget_mapping(int number) noexcept {
  if (number < 0) return;
  mapping_slot& slot = mapping_slots()[number];
  slot.end = 0;
  slot.begin = 0;
  std::free(slot.path.exchange(nullptr));
  slot.used = false;
}

/// Closes a descriptor at the end of a block.
struct open_descriptor {
  int number;
  ~open_descriptor() { ::close(number); }
};

/// Fills `to` with the first `size` bytes of a file.
inline void read_whole(int descriptor, std::byte* to, std::size_t size, const std::string& path) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::read(descriptor, to + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw io_error(concat(path, ": cannot read (", std::strerror(errno), ")"));
    if (n == 0) fail<io_error>(path, concat(size, " bytes, as when it was opened"), done);
    done += static_cast<std::size_t>(n);
  }
}

[[nodiscard]] inline const char* name_of_file_type(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return S_ISSOCK(mode) ? "a socket" : "something else";
}

}  // namespace detail

QUIPU_INLINE mapped_file::mapped_file(const std::string& path, file_access how) : path_(path) {
  // Without O_NONBLOCK a named pipe would wait for somebody who writes to it.
  const detail::open_descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.number < 0) throw io_error(concat(path, ": cannot open (", std::strerror(errno), ")"));
  struct stat facts {};
  if (::fstat(file.number, &facts) != 0) throw io_error(concat(path, ": cannot open (", std::strerror(errno), ")"));
  if (!S_ISREG(facts.st_mode)) fail<io_error>(path, "a regular file", detail::name_of_file_type(facts.st_mode));
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size == 0) return;
  const bool reads = how == file_access::read;
  void* address = ::mmap(nullptr, size, reads ? PROT_READ | PROT_WRITE : PROT_READ,
                         reads ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, reads ? -1 : file.number, 0);
  if (address == MAP_FAILED)
    throw io_error(concat(path, ": cannot ", reads ? "read" : "map", " (", std::strerror(errno), ")"));
  mapped_file held;  // frees the memory if reading throws
  held.data_ = static_cast<const std::byte*>(address);
  held.size_ = size;
  held.path_ = path_;
  if (reads) {
    detail::read_whole(file.number, static_cast<std::byte*>(address), size, path);
    ::mprotect(address, size, PROT_READ);
  } else {
    held.number_ = detail::note_mapping(address, size, path);
    held.is_mapped_ = true;
  }
  swap(held);
}

QUIPU_INLINE mapped_file::~mapped_file() {
  if (data_ == nullptr) return;
  detail::forget_mapping(number_);
  ::munmap(const_cast<std::byte*>(data_), size_);
}

QUIPU_INLINE const char* mapped_path_at(const void* address) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (int i = 0; i < detail::n_mapping_slot; ++i) {
    const detail::mapping_slot& slot = detail::mapping_slots()[i];
    if (slot.begin <= at && at < slot.end) return slot.path;
  }
  return nullptr;
}

QUIPU_INLINE void mapped_file::release_if_within(std::span<const std::byte> part) const noexcept {
  if (!is_mapped_) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data()), file = reinterpret_cast<std::uintptr_t>(data_);
  if (begin < file || begin + part.size() > file + size_) return;
  constexpr std::uintptr_t page = 4096;
  const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace quipu

/// @file A read-only file mapped into memory, or read into it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>

namespace quipu {

/// How the bytes of a file come into memory.
enum class file_access : std::uint8_t {
  map,   ///< pages are loaded when touched and shared with other processes; the file must not shrink meanwhile
  read,  ///< all of it is read at once: it takes that much memory and time, and nobody can change it afterwards
};

/// Read-only view of a whole file.
///
/// A mapped file must not shrink (POSIX then delivers SIGBUS, see `mapped_path_at`); checkpoints are replaced by
/// rename, which leaves a mapped file as it was. For files that others may truncate there is `file_access::read`.
class mapped_file {
 public:
  mapped_file() = default;

  /// @throws io_error  the path cannot be opened, mapped or read, or is not a regular file (pipes, devices and folders
  ///                   are refused at once, without waiting for a writer); with `read` also a file that shrinks
  explicit mapped_file(const std::string& path, file_access how = file_access::map);

  mapped_file(mapped_file&& other) noexcept { swap(other); }
  mapped_file& operator=(mapped_file&& other) noexcept {
    mapped_file moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~mapped_file();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Tells the kernel that `part` will not be read again soon, so that its pages stop counting as resident; a
  /// later look loads them again. Does nothing if `part` lies outside the file, or if the file was read.
  void release_if_within(std::span<const std::byte> part) const noexcept;

 private:
  void swap(mapped_file& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(number_, other.number_);
    std::swap(is_mapped_, other.is_mapped_);
  }

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int number_ = -1;  // among the mappings that `mapped_path_at` knows
  bool is_mapped_ = false;
};

/// The path of the mapped file that an address lies in, or null: for handlers of SIGBUS, which tells that a mapped
/// file became shorter or that its disk failed. Safe in signal handlers; it knows the first 4096 files that are
/// mapped at a time.
[[nodiscard]] const char* mapped_path_at(const void* address) noexcept;

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/mapped_file.ipp>
#endif

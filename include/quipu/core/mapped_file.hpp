/// @file A read-only file mapped into memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>

namespace quipu {

/// Read-only view of a whole file; pages are loaded when touched.
///
/// The file must not shrink while it is mapped (POSIX then delivers SIGBUS); checkpoints are replaced
/// by rename, which leaves a mapped file as it was.
class mapped_file {
 public:
  mapped_file() = default;

  /// @throws io_error  the path cannot be opened or mapped, or is not a regular file
  explicit mapped_file(const std::string& path);

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
  /// later read loads them again. Does nothing if `part` lies outside the file.
  void release_if_within(std::span<const std::byte> part) const noexcept;

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

#if !defined(QUIPU_COMPILED)
#include <quipu/core/mapped_file.ipp>
#endif

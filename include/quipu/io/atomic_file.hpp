/// @file Files that appear whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

/// Writes beside the wanted file and renames at the end, so that readers see the old file or the complete
/// new one, also after a crash. Without `commit` nothing remains. A symbolic link stays one: what it leads to is
/// replaced; a file that is replaced hands on its permissions. What is no file (a pipe, /dev/stdout, /dev/null) is
/// written to as it stands, and whoever reads it sees the bytes as they come.
class atomic_file {
 public:
  /// @throws io_error  the folder or the file cannot be written; a folder or a block device of this name
  explicit atomic_file(std::string path);
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file();

  /// Bytes written so far.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// @throws io_error  the file system refuses
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// One little-endian value.
  template <class Value>
  void value(const Value& v) {
    std::byte bytes[sizeof(Value)];
    store_unaligned(bytes, v);
    write(bytes);
  }

  /// Little-endian values one after the other.
  template <class Value>
  void values(const std::vector<Value>& v) {
    static_assert(std::is_trivially_copyable_v<Value>);
    write(std::as_bytes(std::span(v)));
  }

  /// Zeros up to the next multiple of `alignment`.
  void pad(std::size_t alignment);

  /// From here on the CRC-32 of what is written is kept: for files that end with their own checksum.
  void begin_checksum() noexcept { sums_ = true; }
  [[nodiscard]] std::uint32_t checksum() const noexcept { return checksum_; }

  /// Makes the file appear under its name, durably.
  /// @throws io_error  the file system refuses
  void commit();

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

  [[noreturn]] void refuse(const char* what) const;

  void open_beside(bool replaces, unsigned mode);

  void flush();

  void write_all(std::span<const std::byte> bytes);

  std::string path_;       // as it was given: for messages
  std::string target_;     // behind links
  std::string temporary_;  // beside the target; empty if that is written to as it stands
  int descriptor_ = -1;
  std::size_t size_ = 0;
  std::vector<std::byte> buffer_;
  bool sums_ = false;
  std::uint32_t checksum_ = 0;
};

/// Writes a text to a file, whole or not at all. @throws io_error
void write_text(const std::string& path, std::string_view text);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/atomic_file.ipp>
#endif

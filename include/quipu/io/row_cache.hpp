/// @file Rows of numbers that took long to compute, kept in a mapped file by the key of what they came from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::io {

/// A file of one kind of rows: what names the kind (base model, module, block, type of the products) is its key, which stands in front.
/// Entries are appended and never change; each is a number of rows under a key of its own, with a checksum. A file of another key, a
/// cut-off end and an entry whose checksum does not fit are never trusted: they are dropped, and `remarks` says so. While a cache is open
/// its file is locked. Without a path everything is kept in memory.
class row_cache {
 public:
  /// @param width  numbers of a row, above 0
  /// @throws io_error  the file cannot be opened or written, or another process has it open
  row_cache(std::string path, const std::string& key, std::size_t width);
  row_cache(const row_cache&) = delete;
  row_cache& operator=(const row_cache&) = delete;
  ~row_cache();

  /// The rows of an entry, valid until the next `add`; nothing if there are none, or no trustworthy ones.
  [[nodiscard]] std::optional<matrix_view<const float>> find(std::uint64_t entry);
  /// Appends an entry; one that is there stays as it is.
  /// @throws shape_error  rows of another width, none at all
  /// @throws io_error     the disk is full
  void add(std::uint64_t entry, matrix_view<const float> rows);

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t width() const noexcept { return width_; }
  /// Bytes of the file, or of the memory in its place.
  [[nodiscard]] std::size_t n_byte() const noexcept { return n_byte_; }
  /// What was dropped, in sentences.
  [[nodiscard]] const std::vector<std::string>& remarks() const noexcept { return remarks_; }

 private:
  struct place {
    std::size_t at = 0;  // of the entry's header
    std::uint32_t n_row = 0, checksum = 0;
    bool checked = false;
  };
  static constexpr std::size_t header_bytes = 16;  // of an entry: key, rows, checksum
  static constexpr std::size_t most_rows = std::size_t{1} << 24;

  void open(const std::string& header);
  void scan(std::size_t first);
  void write(const void* data, std::size_t n);
  [[nodiscard]] const std::byte* bytes_at(std::size_t at, std::size_t n);

  std::string path_;
  std::size_t width_;
  int descriptor_ = -1;
  std::size_t n_byte_ = 0;
  mapped_file mapped_;
  std::vector<std::byte> memory_;  // without a path
  std::unordered_map<std::uint64_t, place> places_;
  std::vector<std::string> remarks_;
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/row_cache.ipp>
#endif

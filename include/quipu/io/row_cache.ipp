// What row_cache.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/output_place.hpp>
#include <quipu/io/row_cache.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

QUIPU_INLINE row_cache::row_cache(std::string path, const std::string& key, std::size_t width) : path_(std::move(path)), width_(width) {
  if (width == 0) fail<shape_error>("row_cache: width", "above 0", 0);
  std::string header = concat("quipu rows 1\nwidth ", width, "\n", key, "\n");
  header.resize((header.size() + 1 + 63) / 64 * 64 - 1, ' ');
  header += '\n';
  if (path_.empty()) return;
  try {
    open(header);
  } catch (...) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw;
  }
}

QUIPU_INLINE row_cache::~row_cache() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

QUIPU_INLINE void row_cache::open(const std::string& header) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  struct stat facts {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &facts) != 0) throw io_error(concat(path_, ": cannot open (", std::strerror(errno), ")"));
  if (!S_ISREG(facts.st_mode)) fail<io_error>(path_, "a regular file", "something else");
  if (try_lock(descriptor_) == lock_state::taken) fail<io_error>(path_, "a cache of this program alone", "another process at work in it");
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > 0) {
    mapped_ = mapped_file(path_);
    n_byte_ = mapped_.bytes().size();
    if (mapped_.text().substr(0, header.size()) == header) return scan(header.size());
    const std::string_view begin = "quipu rows ";
    if (mapped_.text().substr(0, begin.size()) != begin) fail<io_error>(path_, "a cache of rows", "another file, which stays as it is");
    remarks_.push_back(concat(path_, ": made anew, since it was a cache of another base, module, template or version"));
    mapped_ = mapped_file();
  }
  if (::ftruncate(descriptor_, 0) != 0) throw io_error(concat(path_, ": cannot write (", std::strerror(errno), ")"));
  n_byte_ = 0;
  write(header.data(), header.size());
}

QUIPU_INLINE void row_cache::scan(std::size_t first) {
  std::size_t at = first;
  const std::size_t end = n_byte_;
  while (at + header_bytes <= end) {
    const std::byte* from = mapped_.bytes().data() + at;
    const place p{at, load_unaligned<std::uint32_t>(from + 8), load_unaligned<std::uint32_t>(from + 12)};
    const std::size_t next = at + header_bytes + p.n_row * width_ * sizeof(float);
    if (p.n_row == 0 || p.n_row > most_rows || next > end) break;
    places_[load_unaligned<std::uint64_t>(from)] = p;  // the last one holds: it was written because an earlier one could not be trusted
    at = next;
  }
  if (at == end) return;
  remarks_.push_back(concat(path_, ": its last ", end - at, " bytes were cut off in writing, or damaged; they are computed again"));
  mapped_ = mapped_file();
  if (::ftruncate(descriptor_, static_cast<off_t>(at)) != 0) throw io_error(concat(path_, ": cannot write (", std::strerror(errno), ")"));
  n_byte_ = at;
}

QUIPU_INLINE const std::byte* row_cache::bytes_at(std::size_t at, std::size_t n) {
  if (path_.empty()) return memory_.data() + at;
  if (mapped_.bytes().size() < at + n) mapped_ = mapped_file(path_);
  return mapped_.bytes().data() + at;
}

QUIPU_INLINE std::optional<matrix_view<const float>> row_cache::find(std::uint64_t entry) {
  const auto found = places_.find(entry);
  if (found == places_.end()) return std::nullopt;
  place& p = found->second;
  const std::size_t n = p.n_row * width_ * sizeof(float);
  const std::byte* from = bytes_at(p.at + header_bytes, n);
  if (!p.checked && crc32({reinterpret_cast<const char*>(from), n}) != p.checksum) {
    remarks_.push_back(concat(path_, ": an entry's checksum does not fit; it is computed again"));
    places_.erase(found);
    return std::nullopt;
  }
  p.checked = true;
  // Headers and rows are multiples of four bytes, so that floats lie where floats may lie.
  return matrix_view<const float>(reinterpret_cast<const float*>(from), p.n_row, width_);
}

QUIPU_INLINE void row_cache::add(std::uint64_t entry, matrix_view<const float> rows) {
  if (rows.cols() != width_ || rows.rows() == 0 || rows.rows() > most_rows)
    fail<shape_error>("row_cache: rows", concat("at least one of ", width_, " numbers"), concat(rows.rows(), " x ", rows.cols()));
  if (places_.count(entry) > 0) return;
  const std::size_t row_size = width_ * sizeof(float);
  std::vector<std::byte> bytes(header_bytes + rows.rows() * row_size);
  for (std::size_t r = 0; r < rows.rows(); ++r) std::memcpy(bytes.data() + header_bytes + r * row_size, rows.row(r), row_size);
  const place p{n_byte_, static_cast<std::uint32_t>(rows.rows()),
                crc32({reinterpret_cast<const char*>(bytes.data()) + header_bytes, bytes.size() - header_bytes}), true};
  store_unaligned(bytes.data(), entry);
  store_unaligned(bytes.data() + 8, p.n_row);
  store_unaligned(bytes.data() + 12, p.checksum);
  write(bytes.data(), bytes.size());
  places_[entry] = p;
}

QUIPU_INLINE void row_cache::write(const void* data, std::size_t n) {
  const auto* from = static_cast<const std::byte*>(data);
  if (path_.empty()) {
    memory_.insert(memory_.end(), from, from + n);
    n_byte_ += n;
    return;
  }
  for (std::size_t done = 0; done < n;) {
    const ssize_t wrote = ::pwrite(descriptor_, from + done, n - done, static_cast<off_t>(n_byte_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const int cause = errno;
      static_cast<void>(!::ftruncate(descriptor_, static_cast<off_t>(n_byte_)));
      throw io_error(concat(path_, ": cannot write (", std::strerror(wrote < 0 ? cause : ENOSPC), ")"));
    }
    done += static_cast<std::size_t>(wrote);
  }
  n_byte_ += n;
}

}  // namespace quipu::io

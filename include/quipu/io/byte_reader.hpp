/// @file A bounds-checked cursor over the bytes of a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

/// Hands out the bytes of a file in order and throws at its end.
class byte_reader {
 public:
  /// @param bytes  must outlive the reader and all spans that it hands out
  /// @param place  the file's name, for messages
  byte_reader(std::span<const std::byte> bytes, std::string place)
      : bytes_(bytes), place_(std::move(place)) {}

  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - offset_; }

  /// The next `count` bytes.
  /// @throws format_error  fewer are left
  std::span<const std::byte> take(std::size_t count, const char* what) {
    if (count > left()) {
      fail<format_error>(concat(place_, ": ", what, " at byte ", offset_), concat(count, " bytes"),
                         concat("the end of the file after ", left()));
    }
    const std::span<const std::byte> taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  /// The next little-endian value.
  /// @throws format_error  the file ends before
  template <class Value>
  Value value(const char* what) {
    return load_unaligned<Value>(take(sizeof(Value), what).data());
  }

  /// The next `count` little-endian values. Memory is asked for only once they are known to be there.
  /// @throws format_error  the file ends before
  template <class Value>
  std::vector<Value> values(std::uint64_t count, const char* what) {
    static_assert(std::is_trivially_copyable_v<Value>);
    if (count > left() / sizeof(Value)) {
      fail<format_error>(concat(place_, ": ", what, " at byte ", offset_),
                         concat(count, " of ", sizeof(Value), " bytes"), concat("the end of the file after ", left()));
    }
    const std::span<const std::byte> bytes = take(static_cast<std::size_t>(count) * sizeof(Value), what);
    std::vector<Value> out(static_cast<std::size_t>(count));
    if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string place_;
  std::size_t offset_ = 0;
};

}  // namespace quipu::io

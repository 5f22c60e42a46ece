/// @file The key-value part of GGUF files: values that stay in the file until they are asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/gguf_types.hpp>
#include <quipu/core/printable.hpp>

namespace quipu::io {

/// Nesting that arrays of arrays may have.
inline constexpr int largest_gguf_depth = 4;

/// A value as it lies in the file; for an array the bytes of its elements.
struct gguf_value {
  gguf_type type = gguf_type::u8;
  gguf_type element = gguf_type::u8;  ///< of an array; else the same as `type`
  std::uint64_t count = 0;            ///< elements of an array; 1 for a scalar
  std::span<const std::byte> bytes;   ///< a string without its length
};

namespace detail {

[[nodiscard]] inline std::string_view read_gguf_string(byte_reader& in, const char* what) {
  const auto size = in.value<std::uint64_t>(what);
  if (size > in.left()) {
    fail<format_error>(concat(in.place(), ": ", what, ": length at byte ", in.offset()),
                       concat("at most ", in.left()), size);
  }
  const std::span<const std::byte> text = in.take(static_cast<std::size_t>(size), what);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

[[nodiscard]] inline gguf_type read_gguf_type(byte_reader& in) {
  const auto number = in.value<std::uint32_t>("value type");
  if (number > static_cast<std::uint32_t>(gguf_type::f64)) {
    fail<format_error>(concat(in.place(), ": value type"), "0 to 12", number);
  }
  return static_cast<gguf_type>(number);
}

/// Steps over `count` values of `type` without keeping them.
inline void skip_gguf_values(byte_reader& in, gguf_type type, std::uint64_t count, int depth) {
  const std::size_t least = type == gguf_type::array ? 12 : type == gguf_type::string ? 8 : bytes_of(type);
  if (count > in.left() / least) {
    fail<format_error>(concat(in.place(), ": array at byte ", in.offset()),
                       concat("at most ", in.left() / least, " elements"), count);
  }
  if (bytes_of(type) != 0) {
    (void)in.take(static_cast<std::size_t>(count) * bytes_of(type), "values");
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (type == gguf_type::string) {
      (void)read_gguf_string(in, "string");
    } else {
      if (depth >= largest_gguf_depth) {
        fail<format_error>(in.place(), concat("arrays nested at most ", largest_gguf_depth, " deep"),
                           "deeper ones");
      }
      const gguf_type element = read_gguf_type(in);
      skip_gguf_values(in, element, in.value<std::uint64_t>("array length"), depth + 1);
    }
  }
}

[[nodiscard]] inline gguf_value read_gguf_value(byte_reader& in, std::span<const std::byte> file) {
  gguf_value value;
  value.type = read_gguf_type(in);
  value.element = value.type;
  if (value.type == gguf_type::string) {
    const std::string_view text = read_gguf_string(in, "string");
    value.bytes = std::as_bytes(std::span(text.data(), text.size()));
    return value;
  }
  if (value.type == gguf_type::array) {
    value.element = read_gguf_type(in);
    value.count = in.value<std::uint64_t>("array length");
  } else {
    value.count = 1;
  }
  const std::size_t begin = in.offset();
  skip_gguf_values(in, value.element, value.count, 1);
  value.bytes = file.subspan(begin, in.offset() - begin);
  return value;
}

}  // namespace detail

/// Keys and values of a GGUF file. Every accessor treats an absent key as "use the default" and throws
/// format_error if the value has another type than asked for.
class gguf_metadata {
 public:
  gguf_metadata() = default;
  explicit gguf_metadata(std::string place) : place_(std::move(place)) {}

  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  [[nodiscard]] const auto& entries() const noexcept { return entries_; }
  [[nodiscard]] bool has(std::string_view key) const { return entries_.find(key) != entries_.end(); }

  /// @throws format_error  the key is there already
  void add(std::string_view key, const gguf_value& value) {
    if (!entries_.emplace(std::string(key), value).second) {
      fail<format_error>(place_, "every key once", concat(printable(key), " twice"));
    }
  }

  [[nodiscard]] std::string text_or(std::string_view key, std::string_view otherwise) const {
    const gguf_value* value = find(key, gguf_type::string, "a string");
    if (value == nullptr) return std::string(otherwise);
    return {reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size()};
  }

  [[nodiscard]] bool flag_or(std::string_view key, bool otherwise) const {
    const gguf_value* value = find(key, gguf_type::boolean, "a bool");
    return value == nullptr ? otherwise : load_unaligned<std::uint8_t>(value->bytes.data()) != 0;
  }

  /// A finite number of any numeric type.
  [[nodiscard]] double number_or(std::string_view key, double otherwise) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return otherwise;
    double number = 0;
    if (found->second.type == gguf_type::f32) {
      number = static_cast<double>(load_unaligned<float>(found->second.bytes.data()));
    } else if (found->second.type == gguf_type::f64) {
      number = load_unaligned<double>(found->second.bytes.data());
    } else {
      number = static_cast<double>(integer_or(key, 0));
    }
    if (!std::isfinite(number)) fail<format_error>(at(key), "a finite number", number);
    return number;
  }

  /// An integer of any width.
  [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t otherwise) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return otherwise;
    if (found->second.type == gguf_type::array) fail<format_error>(at(key), "an integer", "an array");
    return integer_at(key, found->second, 0);
  }

  /// A count from 1 to 2^31; required.
  [[nodiscard]] std::size_t size(std::string_view key) const {
    if (!has(key)) fail<format_error>(at(key), "a positive integer", "no such key");
    const std::int64_t count = integer_or(key, 0);
    if (count < 1 || static_cast<std::uint64_t>(count) > largest_extent) {
      fail<format_error>(at(key), "an integer from 1 to 2^31", count);
    }
    return static_cast<std::size_t>(count);
  }

  [[nodiscard]] std::size_t size_or(std::string_view key, std::size_t otherwise) const {
    return has(key) ? size(key) : otherwise;
  }

  /// A count that some writers state for every layer: an integer, or an array of equal ones.
  [[nodiscard]] std::size_t uniform_size(std::string_view key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.type != gguf_type::array) return size(key);
    const std::vector<std::int64_t> counts = integers(key);
    for (const std::int64_t count : counts) {
      if (count != counts.front() || count < 1 || static_cast<std::uint64_t>(count) > largest_extent) {
        fail<format_error>(at(key), "the same positive size in all layers", count);
      }
    }
    if (counts.empty()) fail<format_error>(at(key), "a size", "an empty array");
    return static_cast<std::size_t>(counts.front());
  }

  /// An array of strings; empty if absent. They point into the file.
  [[nodiscard]] std::vector<std::string_view> texts(std::string_view key) const {
    const gguf_value* value = find_array(key);
    std::vector<std::string_view> strings;
    if (value == nullptr) return strings;
    if (value->element != gguf_type::string) fail<format_error>(at(key), "an array of strings", "another array");
    strings.reserve(static_cast<std::size_t>(value->count));
    byte_reader in(value->bytes, place_);
    for (std::uint64_t i = 0; i < value->count; ++i) strings.push_back(detail::read_gguf_string(in, "string"));
    return strings;
  }

  /// An array of integers of any width; empty if absent.
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key) const {
    const gguf_value* value = find_array(key);
    std::vector<std::int64_t> numbers;
    if (value == nullptr) return numbers;
    if (value->count != 0) (void)integer_at(key, *value, 0);  // checks the element type
    numbers.reserve(static_cast<std::size_t>(value->count));
    for (std::uint64_t i = 0; i < value->count; ++i) numbers.push_back(integer_at(key, *value, i));
    return numbers;
  }

  /// An array of F32; empty if absent.
  [[nodiscard]] std::vector<float> floats(std::string_view key) const {
    const gguf_value* value = find_array(key);
    std::vector<float> numbers;
    if (value == nullptr) return numbers;
    if (value->element != gguf_type::f32) fail<format_error>(at(key), "an array of F32", "another array");
    numbers.reserve(static_cast<std::size_t>(value->count));
    for (std::size_t i = 0; i < value->count; ++i) {
      numbers.push_back(load_unaligned<float>(value->bytes.data() + i * sizeof(float)));
    }
    return numbers;
  }

  [[nodiscard]] std::string at(std::string_view key) const { return concat(place_, ": ", printable(key)); }

 private:
  [[nodiscard]] const gguf_value* find(std::string_view key, gguf_type type, const char* expected) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (found->second.type != type) fail<format_error>(at(key), expected, "a value of another type");
    return &found->second;
  }

  [[nodiscard]] const gguf_value* find_array(std::string_view key) const {
    return find(key, gguf_type::array, "an array");
  }

  [[nodiscard]] std::int64_t integer_at(std::string_view key, const gguf_value& value,
                                        std::uint64_t index) const {
    const std::byte* from = value.bytes.data() + static_cast<std::size_t>(index) * bytes_of(value.element);
    switch (value.element) {
      case gguf_type::u8: return load_unaligned<std::uint8_t>(from);
      case gguf_type::i8: return load_unaligned<std::int8_t>(from);
      case gguf_type::u16: return load_unaligned<std::uint16_t>(from);
      case gguf_type::i16: return load_unaligned<std::int16_t>(from);
      case gguf_type::u32: return load_unaligned<std::uint32_t>(from);
      case gguf_type::i32: return load_unaligned<std::int32_t>(from);
      case gguf_type::i64: return load_unaligned<std::int64_t>(from);
      case gguf_type::u64: {
        const auto number = load_unaligned<std::uint64_t>(from);
        if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
          fail<format_error>(at(key), "an integer below 2^63", number);
        }
        return static_cast<std::int64_t>(number);
      }
      default: fail<format_error>(at(key), "an integer", "a value of another type");
    }
  }

  std::string place_ = "GGUF";
  std::map<std::string, gguf_value, std::less<>> entries_;
};

}  // namespace quipu::io

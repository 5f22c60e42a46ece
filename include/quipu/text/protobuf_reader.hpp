/// @file Reads the fields of a protocol buffer one after the other, every length checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <quipu/core/error.hpp>  // format_error
#include <string>
#include <string_view>
#include <utility>

namespace quipu::text {

/// Encodings of a field's value on the wire.
enum class wire_type : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field of a message.
struct protobuf_field {
  std::uint32_t number = 0;
  wire_type type = wire_type::varint;
  std::uint64_t value = 0;  ///< varint, fixed64, fixed32
  std::string_view bytes;   ///< strings and messages
};

/// Reader of one message. Nested messages get a reader of their own.
/// Source: the encoding page of the protocol buffers documentation; groups, long deprecated, are
/// refused.
class protobuf_reader {
 public:
  /// @param place  file and message, for the errors
  protobuf_reader(std::string_view message, std::string place)
      : rest_(message), place_(std::move(place)) {}

  /// Reads the next field; false at the end of the message.
  /// @throws format_error  the bytes are no message
  [[nodiscard]] bool next(protobuf_field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t key = varint();
    const std::uint64_t number = key >> 3;
    if (number == 0 || number >> 29 != 0)
      fail<format_error>(place_, "a field number from 1 to 2^29 - 1", number);
    field.number = static_cast<std::uint32_t>(number);
    field.value = 0;
    field.bytes = {};
    switch (key & 7) {
      case 0:
        field.type = wire_type::varint;
        field.value = varint();
        break;
      case 1:
        field.type = wire_type::fixed64;
        field.value = fixed(8);
        break;
      case 2: {
        field.type = wire_type::bytes;
        const std::uint64_t size = varint();
        if (size > rest_.size())
          fail<format_error>(name(field), concat("at most ", rest_.size(), " bytes"), size);
        field.bytes = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(static_cast<std::size_t>(size));
        break;
      }
      case 5:
        field.type = wire_type::fixed32;
        field.value = fixed(4);
        break;
      default:
        fail<format_error>(name(field), "wire type 0, 1, 2 or 5", key & 7);
    }
    return true;
  }

  /// The value of a string or message field.
  [[nodiscard]] std::string_view bytes_of(const protobuf_field& field) const {
    require(field, wire_type::bytes);
    return field.bytes;
  }
  /// The value of an int32, int64, bool or enum field.
  [[nodiscard]] std::int64_t integer_of(const protobuf_field& field) const {
    require(field, wire_type::varint);
    return static_cast<std::int64_t>(field.value);
  }
  [[nodiscard]] float float_of(const protobuf_field& field) const {
    require(field, wire_type::fixed32);
    return std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
  }

 private:
  [[nodiscard]] std::string name(const protobuf_field& field) const {
    return concat(place_, ", field ", field.number);
  }

  void require(const protobuf_field& field, wire_type type) const {
    if (field.type != type) {
      fail<format_error>(name(field), concat("wire type ", static_cast<int>(type)),
                         static_cast<int>(field.type));
    }
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) fail<format_error>(place_, "the rest of an integer", "the end");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail<format_error>(place_, "an integer of 64 bits", "a longer one");
  }

  std::uint64_t fixed(std::size_t size) {
    if (rest_.size() < size) fail<format_error>(place_, concat(size, " bytes"), rest_.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    }
    rest_.remove_prefix(size);
    return value;
  }

  std::string_view rest_;
  std::string place_;
};

}  // namespace quipu::text

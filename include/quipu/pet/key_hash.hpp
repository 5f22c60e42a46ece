/// @file The hash that keys of modules, and of what a run was made of, are made with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include <quipu/core/hex.hpp>

namespace quipu::pet {

/// FNV-1a, 64 bits. Keys lie in files, so what it gives must stay.
class key_hash {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) {
      value_ ^= std::to_integer<std::uint64_t>(b);
      value_ *= 0x100000001b3u;
    }
  }
  /// A number by its bytes.
  template <class Value>
    requires std::is_arithmetic_v<Value>
  void add_value(const Value& value) noexcept { add(std::as_bytes(std::span(&value, 1))); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  [[nodiscard]] std::string text() const { return hex_digits(value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace quipu::pet

/// @file Numbers in the metadata of files that are tied to weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <string>
#include <system_error>
#include <type_traits>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/safetensors.hpp>

namespace quipu::ffn::detail {

/// A number of a file's metadata. @throws format_error  it is not there, or no number
template <class Number>
[[nodiscard]] Number number_in(const io::safetensors_file& file, const char* key, int base = 10) {
  const auto found = file.metadata().find(key);
  const std::string text = found == file.metadata().end() ? std::string() : found->second;
  Number number{};
  std::from_chars_result read{};
  if constexpr (std::is_floating_point_v<Number>) {
    read = std::from_chars(text.data(), text.data() + text.size(), number);
  } else {
    read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  }
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || text.empty())
    fail<format_error>(concat(file.path(), ": ", key), "a number", found == file.metadata().end() ? "nothing" : printable(text));
  return number;
}

}  // namespace quipu::ffn::detail

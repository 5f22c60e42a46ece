/// @file Reader of the safetensors format: named tensors in one mapped file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view

namespace quipu::io {

/// What a safetensors file holds. Bytes point into the buffer that was parsed, at any alignment.
struct safetensors_contents {
  std::map<std::string, tensor_view, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;  ///< the header's `__metadata__`
};

/// Bytes that the JSON header may have. Source: the format's description, "header size limit".
inline constexpr std::size_t largest_safetensors_header = 100'000'000;

/// The type that safetensors calls `name`.
/// @throws format_error  a type that we do not read (F8_E4M3, U16, BOOL, ...)
[[nodiscard]] tensor_type safetensors_type(std::string_view name, const std::string& place);

/// Reads header and tensor table of a safetensors file in memory.
///
/// @param file   the whole file; must outlive the result
/// @param place  its name, for messages
/// @throws format_error  anything but a complete, consistent file: every offset, size, type and name is
///                       checked before use
[[nodiscard]] safetensors_contents parse_safetensors(std::span<const std::byte> file, const std::string& place);

/// A safetensors file, mapped or read. Copies share the bytes.
class safetensors_file {
 public:
  /// @throws io_error      the file cannot be mapped
  /// @throws format_error  it is not a safetensors file
  explicit safetensors_file(const std::string& path, file_access how = file_access::map);

  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
  [[nodiscard]] const std::shared_ptr<const mapped_file>& file() const noexcept { return file_; }
  [[nodiscard]] const auto& tensors() const noexcept { return contents_.tensors; }
  [[nodiscard]] const auto& metadata() const noexcept { return contents_.metadata; }

  [[nodiscard]] const tensor_view* find(std::string_view name) const noexcept {
    const auto found = contents_.tensors.find(name);
    return found == contents_.tensors.end() ? nullptr : &found->second;
  }

  /// @throws format_error  there is no such tensor
  [[nodiscard]] const tensor_view& at(std::string_view name) const;

 private:
  std::shared_ptr<const mapped_file> file_;
  safetensors_contents contents_;
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/safetensors.ipp>
#endif

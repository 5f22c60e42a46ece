/// @file The structure of a single GGUF file: header, metadata and tensor table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/gguf_metadata.hpp>

namespace quipu::io {

/// A parsed GGUF file; everything points into the buffer that was parsed. Tensors have the file's own
/// names, their shapes are row-major (GGUF lists extents from the contiguous one).
struct gguf_contents {
  std::uint32_t version = 0;
  gguf_metadata metadata;
  std::map<std::string, tensor_view, std::less<>> tensors;
};

/// Reads header, metadata and tensor table of a GGUF file (version 2 or 3, little-endian).
///
/// @param file   the whole file; must outlive the result
/// @param place  its name, for messages
/// @param magic  what the file must begin with: formats with another one are GGUF else
/// @throws format_error  anything but a complete, consistent file
[[nodiscard]] gguf_contents parse_gguf(std::span<const std::byte> file, const std::string& place, std::uint32_t magic = gguf_magic);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf_file.ipp>
#endif

/// @file Keys and tensors written as one GGUF file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/gguf_key_writer.hpp>

namespace quipu::io {

/// A tensor that is to be written; its bytes are asked for when they are due.
struct gguf_output_tensor {
  std::string name;
  tensor_type type;
  std::vector<std::size_t> shape;  ///< row-major
  std::function<std::vector<std::byte>()> bytes;
  std::string origin{};  ///< its name where it comes from, for messages; may be empty
};

/// Writes a GGUF v3 file, atomically.
/// @param progress  called after every tensor; returning false stops with config_error
/// @throws config_error  rows that are not whole blocks of their type
/// @throws io_error      the file cannot be written
void write_gguf_file(const std::string& path, const gguf_key_writer& keys, std::span<const gguf_output_tensor> tensors,
                     const progress_callback& progress = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf_output.ipp>
#endif

/// @file Writer of the safetensors format.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view

namespace quipu::io {

/// A tensor that is to be written; its bytes are asked for when they are due.
struct safetensors_output {
  std::string name;
  tensor_type type;
  std::vector<std::size_t> shape;              ///< row-major
  std::function<void(atomic_file& to)> write;  ///< writes the tensor's bytes, all of them
};

/// Writes tensors and metadata as one safetensors file, atomically, one tensor after the other.
///
/// Tensors with larger elements come first and the data begins at a multiple of 8, so that every tensor
/// is aligned to its elements in a mapped file.
/// @param metadata  the header's `__metadata__`; left out if empty
/// @param progress  called after every tensor; returning false stops with `cancelled`
/// @throws config_error  a block type (the format has none), bytes that do not fit the shape, or a name
///                       that is not UTF-8
/// @throws io_error      the file cannot be written
void write_safetensors_file(const std::string& path, std::vector<safetensors_output> tensors,
                            const std::map<std::string, std::string, std::less<>>& metadata = {},
                            const progress_callback& progress = {});

/// The same for tensors in memory.
/// @throws config_error, io_error  as above
void write_safetensors(const std::string& path, const std::map<std::string, tensor_view, std::less<>>& tensors,
                       const std::map<std::string, std::string, std::less<>>& metadata = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/safetensors_writer.ipp>
#endif

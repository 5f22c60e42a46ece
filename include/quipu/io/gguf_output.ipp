// What gguf_output.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_output.hpp>
#include <quipu/io/gguf_types.hpp>

namespace quipu::io {

QUIPU_INLINE void write_gguf_file(const std::string& path, const gguf_key_writer& keys,
                                  std::span<const gguf_output_tensor> tensors, const progress_callback& progress) {
  constexpr std::size_t alignment = 32;
  std::string table;
  std::size_t offset = 0;
  for (const gguf_output_tensor& tensor : tensors) {
    gguf_key_writer::append_text(table, tensor.name);
    gguf_key_writer::append(table, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
      gguf_key_writer::append(table, static_cast<std::uint64_t>(tensor.shape[axis]));
    }
    gguf_key_writer::append(table, ggml_number_of(tensor.type));
    gguf_key_writer::append(table, static_cast<std::uint64_t>(offset));
    if (tensor.shape.back() % block_of(tensor.type).elements != 0) {
      fail<config_error>(concat("write_gguf: ", tensor.origin.empty() ? tensor.name : tensor.origin, ": row of ",
                                name_of(tensor.type)),
                         concat("a multiple of ", block_of(tensor.type).elements), tensor.shape.back());
    }
    const std::size_t bytes = checked_bytes(tensor.type, tensor.shape, tensor.name);
    offset += (bytes + alignment - 1) / alignment * alignment;
  }

  atomic_file file(path);
  file.value(gguf_magic);
  file.value(std::uint32_t{3});
  file.value(static_cast<std::uint64_t>(tensors.size()));
  file.value(keys.count());
  file.write(keys.bytes());
  file.write(table);
  file.pad(alignment);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    file.write(tensors[i].bytes());
    file.pad(alignment);
    if (!report_progress(progress, {"writing", i + 1, tensors.size()})) {
      throw cancelled(concat(path, ": writing was cancelled"));
    }
  }
  file.commit();
}

}  // namespace quipu::io

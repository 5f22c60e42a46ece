/// @file Reader of llama2.c's model files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// A tensor of llama2.c's list: which one, for all layers in turn or once.
struct llama2c_section {
  std::string_view part;  ///< name within a layer, or the whole name
  std::size_t rows;
  std::size_t cols;  ///< 0 for vectors
  bool per_layer;
};

/// The order of tensors in a file of `version`, without version 0's cosine and sine tables, which lie
/// between the final norm and the head.
[[nodiscard]] std::vector<llama2c_section> llama2c_sections(const model_config& c, int version);

/// Reads a llama2.c file in memory. Tensors of versions 0 and 1 point into it; those of version 2 are
/// widened to float.
///
/// @param file   the whole file; must outlive the result
/// @param place  its name, for messages
/// @throws format_error  no such file, sizes that do not fill it exactly, or quantised rows that are not
///                       whole groups
[[nodiscard]] checkpoint parse_llama2c(std::span<const std::byte> file, const std::string& place);

/// Opens a llama2.c file with the vocabulary of a `tokenizer.bin`.
///
/// @param tokenizer  path of the tokenizer; empty: none
/// @throws io_error, format_error  see `mapped_file`, `parse_llama2c` and `text::read_llama2c_tokenizer`
[[nodiscard]] checkpoint open_llama2c(const std::string& path, const std::string& tokenizer,
                                      file_access how = file_access::map);

/// Opens a llama2.c file. The vocabulary is a file of its own beside it, under one of the names that
/// llama2.c uses: `tok<n_vocab>.bin`, else `tokenizer.bin`; if there is neither, the checkpoint has no
/// vocabulary.
/// @throws io_error, format_error  as above
[[nodiscard]] checkpoint open_llama2c(const std::string& path, file_access how = file_access::map);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/llama2c.ipp>
#endif

/// @file Writer of GGUF files that llama.cpp runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

struct gguf_options {
  /// A type that `can_quantise` for all matrices; empty keeps every matrix as it is stored.
  /// Norms and biases are always F32.
  std::optional<tensor_type> matrix_type;
  progress_callback progress{};  ///< called after every tensor; returning false stops with `cancelled`
};

/// Writes config, vocabulary and tensors as one GGUF v3 file, atomically.
///
/// Query and key rows are brought into GGUF's order. A model with another activation than SiLU is written under an architecture name of
/// our own (`gguf_own_architecture`), so that llama.cpp refuses the file instead of running it with SiLU.
/// @param source  tensors under Hugging Face's names, in either rope layout
/// @throws config_error  a type that cannot be written, rows that are not whole blocks of it, or both a
///                       llama3 scaling and a table of rotary factors
/// @throws format_error  the checkpoint is not complete
/// @throws io_error      the file cannot be written
void write_gguf(const std::string& path, const checkpoint& source, const gguf_options& options = {});

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf_writer.ipp>
#endif

/// @file Stored rows of any weight type as floating-point numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>

namespace quipu::io {

/// Widens `n` stored elements to float, bit for bit as ggml and gguf-py do; F64 is rounded once.
///
/// @param src  row_bytes(type, n) bytes, any alignment
/// @param dst  (n) out
/// @pre `n` is a multiple of `block_of(type).elements`
/// @throws config_error  `type` is a plain integer type, which holds no weights
void dequantise_row(tensor_type type, const std::byte* src, float* dst, std::size_t n);

/// The same in double. F64 is kept as it is, every other type is the float value widened.
/// @throws config_error  `type` is a plain integer type
void dequantise_row(tensor_type type, const std::byte* src, double* dst, std::size_t n);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/dequantise.ipp>
#endif

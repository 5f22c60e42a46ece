/// @file Float rows as stored rows: F64, F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>

namespace quipu::io {

/// 32 weights to 34 bytes: d = max|w| / 127, q = w / d rounded half away from zero.
void quantise_q8_0(const float* w, std::byte* block) noexcept;

/// 32 weights to 18 bytes: d, then 4-bit levels around 8.
void quantise_q4_0(const float* w, std::byte* block) noexcept;

/// 32 weights to 20 bytes: d, m, then 4-bit levels.
void quantise_q4_1(const float* w, std::byte* block) noexcept;

/// 32 weights to 22 bytes: d, then 5-bit levels around 16, their fifth bits first.
void quantise_q5_0(const float* w, std::byte* block) noexcept;

/// 32 weights to 24 bytes: d, m, then 5-bit levels, their fifth bits first.
void quantise_q5_1(const float* w, std::byte* block) noexcept;

/// The types that `quantise_row` writes, for messages.
inline constexpr const char* quantised_type_names = "F64, F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1";

/// True for the types that `quantise_row` writes.
[[nodiscard]] constexpr bool can_quantise(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f64:
    case tensor_type::f32:
    case tensor_type::f16:
    case tensor_type::bf16:
    case tensor_type::q8_0:
    case tensor_type::q4_0:
    case tensor_type::q4_1:
    case tensor_type::q5_0:
    case tensor_type::q5_1: return true;
    default: return false;
  }
}

/// Stores `n` floats as `type`, with the bytes of llama.cpp's reference quantisation.
///
/// Non-finite weights give defined bytes that dequantise to something meaningless.
/// @param src  (n)
/// @param dst  row_bytes(type, n) bytes, any alignment; out
/// @pre `n` is a multiple of `block_of(type).elements`
/// @throws config_error  `can_quantise(type)` is false
void quantise_row(tensor_type type, const float* src, std::byte* dst, std::size_t n);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/quantise.ipp>
#endif

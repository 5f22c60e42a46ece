/// @file The element and block types that tensors are stored in, and their sizes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/core/scalar.hpp>  // f16

namespace quipu {

/// How a tensor's rows are stored. The quantised types are the blocks of GGUF (ggml's layout, which
/// llama.cpp's `ggml-common.h` defines); a row of them is a whole number of blocks.
enum class tensor_type : std::uint8_t {
  f64, f32, f16, bf16,
  i64, i32, i16, i8, u8,
  q4_0, q4_1, q5_0, q5_1, q8_0,
  q2_k, q3_k, q4_k, q5_k, q6_k,
  iq4_nl,
};

/// Elements and bytes of one storage block (one element for plain types).
struct block_shape {
  std::size_t elements;
  std::size_t bytes;
};

/// Block shape of a type. Source: GGUF specification, section "tensor types".
[[nodiscard]] constexpr block_shape block_of(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f64: return {1, 8};
    case tensor_type::f32: return {1, 4};
    case tensor_type::f16: return {1, 2};
    case tensor_type::bf16: return {1, 2};
    case tensor_type::i64: return {1, 8};
    case tensor_type::i32: return {1, 4};
    case tensor_type::i16: return {1, 2};
    case tensor_type::i8: return {1, 1};
    case tensor_type::u8: return {1, 1};
    case tensor_type::q4_0: return {32, 18};
    case tensor_type::q4_1: return {32, 20};
    case tensor_type::q5_0: return {32, 22};
    case tensor_type::q5_1: return {32, 24};
    case tensor_type::q8_0: return {32, 34};
    case tensor_type::q2_k: return {256, 84};
    case tensor_type::q3_k: return {256, 110};
    case tensor_type::q4_k: return {256, 144};
    case tensor_type::q5_k: return {256, 176};
    case tensor_type::q6_k: return {256, 210};
    case tensor_type::iq4_nl: return {32, 18};
  }
  return {1, 1};
}

/// Name as GGUF tools print it: "F32", "Q4_1", "Q4_K", "IQ4_NL".
[[nodiscard]] constexpr std::string_view name_of(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f64: return "F64";
    case tensor_type::f32: return "F32";
    case tensor_type::f16: return "F16";
    case tensor_type::bf16: return "BF16";
    case tensor_type::i64: return "I64";
    case tensor_type::i32: return "I32";
    case tensor_type::i16: return "I16";
    case tensor_type::i8: return "I8";
    case tensor_type::u8: return "U8";
    case tensor_type::q4_0: return "Q4_0";
    case tensor_type::q4_1: return "Q4_1";
    case tensor_type::q5_0: return "Q5_0";
    case tensor_type::q5_1: return "Q5_1";
    case tensor_type::q8_0: return "Q8_0";
    case tensor_type::q2_k: return "Q2_K";
    case tensor_type::q3_k: return "Q3_K";
    case tensor_type::q4_k: return "Q4_K";
    case tensor_type::q5_k: return "Q5_K";
    case tensor_type::q6_k: return "Q6_K";
    case tensor_type::iq4_nl: return "IQ4_NL";
  }
  return "?";
}

/// True for types whose rows a linear layer can multiply (everything but the plain integers).
[[nodiscard]] constexpr bool is_weight_type(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::i64:
    case tensor_type::i32:
    case tensor_type::i16:
    case tensor_type::i8:
    case tensor_type::u8: return false;
    default: return true;
  }
}

/// True for block types, which hold several elements a block with shared scales.
[[nodiscard]] constexpr bool is_quantised(tensor_type type) noexcept {
  return block_of(type).elements > 1;
}

/// Bytes of a row of `elements`.
/// @pre `elements` is a multiple of `block_of(type).elements`
[[nodiscard]] constexpr std::size_t row_bytes(tensor_type type, std::size_t elements) noexcept {
  const block_shape block = block_of(type);
  return elements / block.elements * block.bytes;
}

// The blocks that kernels read directly. Layouts are ggml's; all scales are binary16.

/// 32 weights w = d * (q - 8); element i < 16 is the low nibble of qs[i], element i + 16 the high one.
struct block_q4_0 {
  f16 d;
  std::uint8_t qs[16];
};

/// 32 weights w = d * q + m; nibbles placed as in `block_q4_0`.
struct block_q4_1 {
  f16 d;
  f16 m;
  std::uint8_t qs[16];
};

/// 32 weights w = d * q.
struct block_q8_0 {
  f16 d;
  std::int8_t qs[32];
};

static_assert(sizeof(block_q4_0) == 18 && sizeof(block_q4_1) == 20 && sizeof(block_q8_0) == 34);

}  // namespace quipu

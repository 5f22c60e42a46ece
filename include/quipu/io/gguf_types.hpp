/// @file The numbers that GGUF files give to tensor types and to types of metadata values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>

namespace quipu::io {

inline constexpr std::uint32_t gguf_magic = 0x46554747;  // "GGUF"

/// Type of a metadata value. Source: GGUF specification, `gguf_metadata_value_type`.
enum class gguf_type : std::uint32_t {
  u8 = 0, i8 = 1, u16 = 2, i16 = 3, u32 = 4, i32 = 5, f32 = 6, boolean = 7,
  string = 8, array = 9, u64 = 10, i64 = 11, f64 = 12,
};

/// Bytes of a scalar value; 0 for strings, arrays and unknown types.
[[nodiscard]] constexpr std::size_t bytes_of(gguf_type type) noexcept {
  switch (type) {
    case gguf_type::u8:
    case gguf_type::i8:
    case gguf_type::boolean: return 1;
    case gguf_type::u16:
    case gguf_type::i16: return 2;
    case gguf_type::u32:
    case gguf_type::i32:
    case gguf_type::f32: return 4;
    case gguf_type::u64:
    case gguf_type::i64:
    case gguf_type::f64: return 8;
    case gguf_type::string:
    case gguf_type::array: return 0;
  }
  return 0;
}

/// ggml's number of every tensor type that we read. Source: ggml.h, `enum ggml_type`.
inline constexpr std::pair<std::uint32_t, tensor_type> ggml_types[] = {
    {0, tensor_type::f32},   {1, tensor_type::f16},   {2, tensor_type::q4_0},  {3, tensor_type::q4_1},
    {6, tensor_type::q5_0},  {7, tensor_type::q5_1},  {8, tensor_type::q8_0},  {10, tensor_type::q2_k},
    {11, tensor_type::q3_k}, {12, tensor_type::q4_k}, {13, tensor_type::q5_k}, {14, tensor_type::q6_k},
    {20, tensor_type::iq4_nl}, {24, tensor_type::i8}, {25, tensor_type::i16},  {26, tensor_type::i32},
    {27, tensor_type::i64},  {28, tensor_type::f64},  {30, tensor_type::bf16}};

/// Names of the types that exist and that we do not read, for messages.
inline constexpr std::pair<std::uint32_t, const char*> foreign_ggml_types[] = {
    {9, "Q8_1"},     {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"},
    {19, "IQ1_S"},   {21, "IQ3_S"},  {22, "IQ2_S"},   {23, "IQ4_XS"}, {29, "IQ1_M"},
    {34, "TQ1_0"},   {35, "TQ2_0"},  {39, "MXFP4"}};

/// @throws format_error  a type that we do not read, by its name if it has one
[[nodiscard]] inline tensor_type tensor_type_of_ggml(std::uint32_t number, const std::string& place) {
  for (const auto& [id, type] : ggml_types) {
    if (id == number) return type;
  }
  std::string found = concat("type ", number);
  for (const auto& [id, name] : foreign_ggml_types) {
    if (id == number) found = name;
  }
  fail<format_error>(concat(place, ": type"),
                     "F64, F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K or IQ4_NL", found);
}

/// @throws config_error  a type that GGUF has no number for
[[nodiscard]] inline std::uint32_t ggml_number_of(tensor_type type) {
  for (const auto& [id, known] : ggml_types) {
    if (known == type) return id;
  }
  fail<config_error>("ggml_number_of: type", "a type of GGUF", name_of(type));
}

}  // namespace quipu::io

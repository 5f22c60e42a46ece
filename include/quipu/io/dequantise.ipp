// What dequantise.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/error.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/k_blocks.hpp>
#include <quipu/io/small_blocks.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

namespace detail {

template <class Stored, class Convert>
void convert_row(const std::byte* src, float* dst, std::size_t n, Convert convert) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    dst[i] = convert(load_unaligned<Stored>(src + i * sizeof(Stored)));
  }
}

template <class Dequantise>
void convert_blocks(block_shape shape, const std::byte* src, float* dst, std::size_t n,
                    Dequantise dequantise) noexcept {
  for (std::size_t i = 0; i < n; i += shape.elements, src += shape.bytes) dequantise(src, dst + i);
}

}  // namespace detail

QUIPU_INLINE void dequantise_row(tensor_type type, const std::byte* src, float* dst, std::size_t n) {
  const block_shape block = block_of(type);
  QUIPU_ASSERT(n % block.elements == 0);
  switch (type) {
    case tensor_type::f64:
      return detail::convert_row<double>(src, dst, n,
                                         [](double v) { return static_cast<float>(v); });
    case tensor_type::f32: return detail::convert_row<float>(src, dst, n, [](float v) { return v; });
    case tensor_type::f16:
      return detail::convert_row<std::uint16_t>(src, dst, n, f16_bits_to_float);
    case tensor_type::bf16:
      return detail::convert_row<std::uint16_t>(src, dst, n, bf16_bits_to_float);
    case tensor_type::q4_0: return detail::convert_blocks(block, src, dst, n, dequantise_q4_0);
    case tensor_type::q4_1: return detail::convert_blocks(block, src, dst, n, dequantise_q4_1);
    case tensor_type::q5_0: return detail::convert_blocks(block, src, dst, n, dequantise_q5_0);
    case tensor_type::q5_1: return detail::convert_blocks(block, src, dst, n, dequantise_q5_1);
    case tensor_type::q8_0: return detail::convert_blocks(block, src, dst, n, dequantise_q8_0);
    case tensor_type::q2_k: return detail::convert_blocks(block, src, dst, n, dequantise_q2_k);
    case tensor_type::q3_k: return detail::convert_blocks(block, src, dst, n, dequantise_q3_k);
    case tensor_type::q4_k: return detail::convert_blocks(block, src, dst, n, dequantise_q4_k);
    case tensor_type::q5_k: return detail::convert_blocks(block, src, dst, n, dequantise_q5_k);
    case tensor_type::q6_k: return detail::convert_blocks(block, src, dst, n, dequantise_q6_k);
    case tensor_type::iq4_nl: return detail::convert_blocks(block, src, dst, n, dequantise_iq4_nl);
    case tensor_type::i64:
    case tensor_type::i32:
    case tensor_type::i16:
    case tensor_type::i8:
    case tensor_type::u8: break;
  }
  fail<config_error>("dequantise_row: type", "a weight type", name_of(type));
}

QUIPU_INLINE void dequantise_row(tensor_type type, const std::byte* src, double* dst, std::size_t n) {
  if (type == tensor_type::f64) {
    for (std::size_t i = 0; i < n; ++i) dst[i] = load_unaligned<double>(src + i * sizeof(double));
    return;
  }
  const block_shape block = block_of(type);
  constexpr std::size_t piece = k_block_elements;  // a multiple of every block
  float values[piece];
  for (std::size_t done = 0; done < n; done += piece, src += piece / block.elements * block.bytes) {
    const std::size_t count = n - done < piece ? n - done : piece;
    dequantise_row(type, src, values, count);
    for (std::size_t i = 0; i < count; ++i) dst[done + i] = static_cast<double>(values[i]);
  }
}

}  // namespace quipu::io

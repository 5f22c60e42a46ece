/// @file The kernels in plain C++: the path for every processor and the reference for the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <quipu/core/simd_portable.hpp>   // f32x, f64x
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/dequantise.hpp>        // dequantise_row
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/smallest_rounded.hpp>

namespace quipu::linear::portable {

using quipu::portable::f32x;
using quipu::portable::f64x;

inline void widen(tensor_type type, const std::byte* w, std::size_t n, float* out) noexcept {
  io::dequantise_row(type, w, out, n);
}

#include <quipu/linear/kernel_body.ipp>

inline std::size_t list_active(const float* gate, std::size_t n, float threshold, std::uint32_t* rows) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    rows[count] = static_cast<std::uint32_t>(i);
    count += static_cast<std::size_t>(!(gate[i] < threshold) && !(gate[i] <= 0.0f));
  }
  return count;
}

inline void round_to_int8(const float* x, std::size_t n, std::int8_t* q, float* d, float* s) noexcept {
  for (std::size_t block = 0; block < n / int8_block; ++block) {
    float largest = 0;
    for (std::size_t i = 0; i < int8_block; ++i) {
      const float size = std::fabs(x[i]);
      if (size > largest || size != size) largest = size;  // NaN stays, and ends up in the scale
    }
    const float scale = largest / 127.0f;
    const bool rounds = largest > smallest_rounded && largest <= std::numeric_limits<float>::max();
    const float inverse = rounds ? 127.0f / largest : 0.0f;
    int sum = 0;
    for (std::size_t i = 0; i < int8_block; ++i) {
      const int rounded = rounds ? static_cast<int>(std::nearbyint(x[i] * inverse)) : 0;
      q[i] = static_cast<std::int8_t>(rounded);
      sum += rounded;
    }
    d[block] = scale;
    s[block] = scale * static_cast<float>(sum);
    x += int8_block;
    q += int8_block;
  }
}

/// The integers, scale and offset of one block: w = d * q + m.
struct unpacked_block {
  std::int8_t q[int8_block];
  float d;
  float m;
};

inline unpacked_block unpack(tensor_type type, const std::byte* source) noexcept {
  unpacked_block out{};
  if (type == tensor_type::q8_0) {
    block_q8_0 block;
    std::memcpy(&block, source, sizeof block);
    std::memcpy(out.q, block.qs, sizeof out.q);
    out.d = block.d;
    return out;
  }
  const std::uint8_t* nibbles = nullptr;
  block_q4_1 with_offset;
  block_q4_0 centred;
  if (type == tensor_type::q4_1) {
    std::memcpy(&with_offset, source, sizeof with_offset);
    out.d = with_offset.d;
    out.m = with_offset.m;
    nibbles = with_offset.qs;
  } else {
    std::memcpy(&centred, source, sizeof centred);
    out.d = centred.d;
    out.m = -8.0f * out.d;
    nibbles = centred.qs;
  }
  for (std::size_t i = 0; i < int8_block / 2; ++i) {
    out.q[i] = static_cast<std::int8_t>(nibbles[i] & 0xf);
    out.q[i + int8_block / 2] = static_cast<std::int8_t>(nibbles[i] >> 4);
  }
  return out;
}

inline void dot_rows_int8(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                          int8_row x, std::size_t n, float* y) noexcept {
  const std::size_t bytes = block_of(type).bytes;
  for (std::size_t i = 0; i < n_row; ++i) {
    float sum = 0;
    for (std::size_t block = 0; block < n / int8_block; ++block) {
      const unpacked_block b = unpack(type, w + i * stride + block * bytes);
      const std::int8_t* q = x.q + block * int8_block;
      int dot = 0;
      for (std::size_t k = 0; k < int8_block; ++k) dot += b.q[k] * q[k];
      sum += static_cast<float>(dot) * (b.d * x.d[block]) + b.m * x.s[block];
    }
    y[i] = sum;
  }
}

inline void fill_tile(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                      std::size_t n, weight_tile tile) noexcept {
  const std::size_t bytes = block_of(type).bytes;
  for (std::size_t block = 0; block < n / int8_block; ++block) {
    for (std::size_t r = 0; r < weight_tile::rows; ++r) {
      const unpacked_block b =
          r < n_row ? unpack(type, w + r * stride + block * bytes) : unpacked_block{};
      tile.d[block * 8 + r] = b.d;
      tile.m[block * 8 + r] = b.m;
      for (std::size_t k = 0; k < int8_block; k += 4) {
        std::memcpy(tile.q + (block * int8_block + k) * 8 + r * 4, b.q + k, 4);
      }
    }
  }
}

inline void int8_tile(tensor_type, weight_tile tile, int8_row x, std::size_t n_token, std::size_t n,
                      float* y, std::size_t y_stride, std::size_t n_row) noexcept {
  const std::size_t n_block = n / int8_block;
  for (std::size_t t = 0; t < n_token; ++t) {
    for (std::size_t r = 0; r < n_row; ++r) {
      float sum = 0;
      for (std::size_t block = 0; block < n_block; ++block) {
        int dot = 0;
        for (std::size_t k = 0; k < int8_block; ++k) {
          dot += tile.q[((block * int8_block + k) / 4 * 8 + r) * 4 + k % 4] *
                 x.q[t * n + block * int8_block + k];
        }
        sum += static_cast<float>(dot) * (tile.d[block * 8 + r] * x.d[t * n_block + block]) +
               tile.m[block * 8 + r] * x.s[t * n_block + block];
      }
      y[t * y_stride + r] = sum;
    }
  }
}

inline void interleave_f32(const float* in, std::size_t ld, std::size_t rows, std::size_t k,
                           std::size_t width, float* out) noexcept {
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t i = 0; i < width; ++i) out[j * width + i] = i < rows ? in[i * ld + j] : 0.0f;
  }
}

inline void widen_block_column(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, float* left,
                               float* right) noexcept {
  float both[int8_block];
  for (std::size_t r = 0; r < n_row; ++r, w += stride) {
    widen(type, w, int8_block, both);
    std::memcpy(left + r * 16, both, 16 * sizeof(float));
    std::memcpy(right + r * 16, both + 16, 16 * sizeof(float));
  }
}

inline void widen_panel(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row, std::size_t n,
                        float* out) noexcept {
  float row[int8_block];
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t k = 0; k < n; k += int8_block) {
      if (i < n_row) widen(type, w + i * stride + row_bytes(type, k), int8_block, row);
      for (std::size_t j = 0; j < int8_block; ++j) out[(k + j) * 16 + i] = i < n_row ? row[j] : 0.0f;
    }
  }
}

inline constexpr kernel_table table{.set = instruction_set::portable,
                                    .dot_rows = dot_rows,
                                    .dot = dot,
                                    .dot_rows_int8 = dot_rows_int8,
                                    .add_listed = add_listed,
                                    .list_active = list_active,
                                    .round_to_int8 = round_to_int8,
                                    .fill_tile = fill_tile,
                                    .int8_tile = int8_tile,
                                    .widen = widen,
                                    .gemm_tile_f32 = gemm_tile<f32x>,
                                    .gemm_tile_f64 = gemm_tile<f64x>,
                                    .interleave_f32 = interleave_f32,
                                    .widen_block_column = widen_block_column,
                                    .widen_panel = widen_panel};

}  // namespace quipu::linear::portable

/// @file A weight matrix in the form that its checkpoint stores, and perhaps in tiles besides.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/config.hpp>       // QUIPU_ASSERT
#include <quipu/core/tensor_type.hpp>
#include <quipu/linear/input_limits.hpp>
#include <quipu/linear/packed_form.hpp>

namespace quipu::linear {

/// (rows, cols) weights of any type, row-major, in somebody else's memory. y = x W^T has `rows` outputs
/// for `cols` inputs. The type is a run-time tag: files mix types, so each product has one switch.
struct stored_matrix {
  tensor_type type = tensor_type::f32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  const std::byte* data = nullptr;
  std::size_t stride = 0;  ///< bytes from a row to the next
  /// The same weights in tiles (see `packed_form`), or null. What changes `data` resets it.
  const std::byte* packed = nullptr;
  /// What inputs must reach for `projector::run` to see them, or null; see `llama::with_sparse_inputs`.
  const input_limits* limits = nullptr;

  [[nodiscard]] const std::byte* row(std::size_t r) const noexcept {
    QUIPU_ASSERT(r < rows);
    return data + r * stride;
  }
  [[nodiscard]] bool empty() const noexcept { return data == nullptr; }
  /// Bytes that one product reads.
  [[nodiscard]] std::size_t n_byte() const noexcept { return rows * row_bytes(type, cols); }
  /// Rows first .. first + count.
  [[nodiscard]] stored_matrix middle_rows(std::size_t first, std::size_t count) const noexcept {
    QUIPU_ASSERT(first + count <= rows);
    // Tiles begin at every sixteenth row.
    const bool whole = packed != nullptr && first % packed_tile_rows == 0;
    return {type, count, cols, data + first * stride, stride,
            whole ? packed + first / packed_tile_rows * packed_form_of(type).tile_bytes(cols) : nullptr, limits};
  }
};

/// Plain values as a stored matrix. @pre Scalar is float or double
template <class Scalar>
[[nodiscard]] stored_matrix store_plain(const Scalar* data, std::size_t rows, std::size_t cols) noexcept {
  static_assert(sizeof(Scalar) == 4 || sizeof(Scalar) == 8, "store_plain: the scalar is float or double");
  return {sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32, rows, cols,
          reinterpret_cast<const std::byte*>(data), cols * sizeof(Scalar), nullptr};
}

}  // namespace quipu::linear

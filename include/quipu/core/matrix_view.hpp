/// @file Non-owning row-major matrices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <quipu/core/config.hpp>  // QUIPU_ASSERT

namespace quipu {

/// (rows, cols) values whose rows are contiguous and `stride` elements apart. Copies refer to the same
/// values; `Scalar` may be const.
template <class Scalar>
class matrix_view {
 public:
  using value_type = std::remove_const_t<Scalar>;

  constexpr matrix_view() = default;
  constexpr matrix_view(Scalar* data, std::size_t rows, std::size_t cols) noexcept
      : matrix_view(data, rows, cols, cols) {}
  constexpr matrix_view(Scalar* data, std::size_t rows, std::size_t cols, std::size_t stride) noexcept
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}

  /// A view of mutable values is also a view of const ones.
  constexpr operator matrix_view<const Scalar>() const noexcept
    requires(!std::is_const_v<Scalar>)
  {
    return {data_, rows_, cols_, stride_};
  }

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_; }
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] constexpr Scalar* data() const noexcept { return data_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return rows_ == 0 || cols_ == 0; }

  [[nodiscard]] constexpr Scalar* row(std::size_t r) const noexcept {
    QUIPU_ASSERT(r < rows_);
    return data_ + r * stride_;
  }
  [[nodiscard]] constexpr std::span<Scalar> row_span(std::size_t r) const noexcept {
    return {row(r), cols_};
  }
  [[nodiscard]] constexpr Scalar& operator()(std::size_t r, std::size_t c) const noexcept {
    QUIPU_ASSERT(r < rows_ && c < cols_);
    return data_[r * stride_ + c];
  }

  /// Rows first .. first + count.
  [[nodiscard]] constexpr matrix_view middle_rows(std::size_t first, std::size_t count) const noexcept {
    QUIPU_ASSERT(first + count <= rows_);
    return {data_ + first * stride_, count, cols_, stride_};
  }
  /// Columns first .. first + count of every row.
  [[nodiscard]] constexpr matrix_view middle_cols(std::size_t first, std::size_t count) const noexcept {
    QUIPU_ASSERT(first + count <= cols_);
    return {data_ + first, rows_, count, stride_};
  }

 private:
  Scalar* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t stride_ = 0;
};

}  // namespace quipu

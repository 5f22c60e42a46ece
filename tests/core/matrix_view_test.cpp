// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/matrix_view.hpp>

#include <numeric>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

TEST_CASE("a view counts in its stride", "[core][matrix_view]") {
  std::vector<int> values(20);
  std::iota(values.begin(), values.end(), 0);
  const quipu::matrix_view<int> m(values.data(), 4, 3, 5);
  CHECK(m(2, 1) == 11);
  CHECK(m.row(3) == values.data() + 15);
  CHECK(m.row_span(1).size() == 3);
  CHECK(m.row_span(1)[2] == 7);

  const auto part = m.middle_rows(1, 2).middle_cols(1, 2);
  CHECK(part.rows() == 2);
  CHECK(part.cols() == 2);
  CHECK(part(1, 1) == 12);
  part(0, 0) = -6;
  CHECK(values[6] == -6);
}

TEST_CASE("views of const values come from views of mutable ones, not the other way", "[core][matrix_view]") {
  static_assert(std::is_convertible_v<quipu::matrix_view<float>, quipu::matrix_view<const float>>);
  static_assert(!std::is_convertible_v<quipu::matrix_view<const float>, quipu::matrix_view<float>>);
  CHECK(quipu::matrix_view<int>().empty());
  int one = 1;
  CHECK(quipu::matrix_view<int>(&one, 1, 0).empty());
  CHECK_FALSE(quipu::matrix_view<int>(&one, 1, 1).empty());
}

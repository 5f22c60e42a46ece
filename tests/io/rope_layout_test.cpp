#include <quipu/io/rope_layout.hpp>

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/tensor_values.hpp>

using quipu::io::rope_layout;
using quipu::io::swap_rope_layout;
using quipu::io::tensor_view;

TEST_CASE("neighbours become halves and back", "[io][rope_layout]") {
  std::vector<float> rows(2 * 6 * 3);  // 2 heads, d_head 6, 3 columns; row r holds r, r, r
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i / 3);
  const tensor_view neighbours{quipu::tensor_type::f32, {12, 3}, std::as_bytes(std::span(rows))};
  const std::vector<std::byte> moved = swap_rope_layout(neighbours, rope_layout::neighbours, 6);
  const tensor_view halves{quipu::tensor_type::f32, {12, 3}, moved};
  std::vector<float> first_column;
  const auto values = quipu::io::values_of<float>(halves);
  for (std::size_t r = 0; r < 12; ++r) first_column.push_back(values[3 * r]);
  CHECK(first_column == std::vector<float>{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11});
  const std::vector<std::byte> back = swap_rope_layout(halves, rope_layout::halves, 6);
  CHECK(std::equal(back.begin(), back.end(), neighbours.bytes.begin(), neighbours.bytes.end()));
}

TEST_CASE("blocks and biases move with their rows", "[io][rope_layout]") {
  std::vector<std::byte> blocks(4 * 34);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i / 34);
  const auto moved = swap_rope_layout({quipu::tensor_type::q8_0, {4, 32}, blocks}, rope_layout::neighbours, 4);
  CHECK(moved[34] == std::byte{2});
  CHECK(moved[2 * 34] == std::byte{1});
  std::vector<float> bias = {0, 1, 2, 3};
  const auto swapped = swap_rope_layout({quipu::tensor_type::f32, {4}, std::as_bytes(std::span(bias))},
                                        rope_layout::neighbours, 4);
  CHECK(quipu::io::values_of<float>({quipu::tensor_type::f32, {4}, swapped}) == std::vector<float>{0, 2, 1, 3});
  CHECK_THROWS_AS(swap_rope_layout({quipu::tensor_type::f32, {4}, std::as_bytes(std::span(bias))},
                                   rope_layout::halves, 3),
                  quipu::shape_error);
  CHECK_THROWS_AS(swap_rope_layout({quipu::tensor_type::q8_0, {32}, std::span(blocks).first(34)},
                                   rope_layout::halves, 4),
                  quipu::config_error);
}

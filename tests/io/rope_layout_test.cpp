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

TEST_CASE("a team reorders a checkpoint's projections as one thread does", "[io][rope_layout]") {
  // Large enough for huge pages, and some that are not.
  const std::vector<std::size_t> shapes[] = {{400, 2720}, {8, 32}};
  for (const auto& shape : shapes) {
    std::vector<float> values(shape[0] * shape[1]);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    quipu::io::checkpoint before;
    before.config.n_layer = 1;
    before.config.d_head = 8;
    before.rope = rope_layout::neighbours;
    for (const char* name : {"model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight"})
      before.tensors.emplace(name, tensor_view{quipu::tensor_type::f32, shape, std::as_bytes(std::span(values))});
    for (const std::size_t n_thread : {1, 3}) {
      quipu::io::checkpoint opened = before;
      quipu::io::convert_rope_layout(opened, rope_layout::halves, quipu::thread_team(n_thread));
      CHECK(opened.rope == rope_layout::halves);
      for (const auto& [name, tensor] : opened.tensors) {
        const std::vector<std::byte> expected = swap_rope_layout(before.at(name), rope_layout::neighbours, 8);
        CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), expected.begin(), expected.end()));
      }
    }
  }
}

#include <quipu/io/checked_size.hpp>

#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

using quipu::tensor_type;
using quipu::io::checked_bytes;
using shape = std::vector<std::size_t>;

TEST_CASE("products and sums are right up to the last representable one", "[io][checked_size]") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(quipu::io::checked_product(most, 1, "x") == most);
  CHECK(quipu::io::checked_product(0, most, "x") == 0);
  CHECK(quipu::io::checked_product(most, 0, "x") == 0);
  CHECK(quipu::io::checked_product(0xffffffffu, 0x100000001u, "x") == most);
  CHECK_THROWS_AS(quipu::io::checked_product(0x100000000u, 0x100000000u, "x"), quipu::format_error);
  CHECK(quipu::io::checked_sum(most - 1, 1, "x") == most);
  CHECK_THROWS_AS(quipu::io::checked_sum(most, 1, "x"), quipu::format_error);
}

TEST_CASE("bytes of tensors follow from type and shape", "[io][checked_size]") {
  CHECK(checked_bytes(tensor_type::f32, shape{}, "x") == 4);
  CHECK(checked_bytes(tensor_type::bf16, shape{3, 5}, "x") == 30);
  CHECK(checked_bytes(tensor_type::q4_1, shape{3, 64}, "x") == 120);
  CHECK(checked_bytes(tensor_type::q4_1, shape{0, 64}, "x") == 0);
  CHECK_THROWS_AS(checked_bytes(tensor_type::q4_1, shape{64, 3}, "x"), quipu::format_error);
  CHECK_THROWS_AS(checked_bytes(tensor_type::q4_1, shape{}, "x"), quipu::format_error);
  CHECK_THROWS_AS(checked_bytes(tensor_type::f64, shape{std::size_t{1} << 61}, "x"), quipu::format_error);
  CHECK(quipu::io::show_shape(shape{}) == "()");
  CHECK(quipu::io::show_shape(shape{320, 64}) == "(320, 64)");
}

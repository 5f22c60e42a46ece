// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/error.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

TEST_CASE("an error names the place, what was expected and what is there", "[core][error]") {
  CHECK_THROWS_WITH(quipu::fail<quipu::format_error>(std::string("model.bin"), quipu::concat(3, " layers"), "none"),
                    "model.bin: expected 3 layers, found none");
  CHECK_THROWS_AS(quipu::fail<quipu::shape_error>("a", std::string_view("b"), 1.5), quipu::shape_error);
  CHECK_THROWS_WITH(quipu::fail<quipu::shape_error>("a", std::string_view("b"), 1.5), "a: expected b, found 1.5");
}

TEST_CASE("all errors are quipu::error and std::runtime_error", "[core][error]") {
  CHECK_THROWS_AS(throw quipu::config_error("x"), quipu::error);
  CHECK_THROWS_AS(throw quipu::io_error("x"), std::runtime_error);
  CHECK_THROWS_AS(throw quipu::numeric_error("x"), quipu::error);
}

TEST_CASE("concat writes as streams do", "[core][error]") {
  const std::string word = "seven";
  CHECK(quipu::concat() == "");
  CHECK(quipu::concat("a", 'b', 3, ' ', 2.5, ' ', word, std::string_view("!")) == "ab3 2.5 seven!");
}

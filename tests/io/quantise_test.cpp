#include <quipu/io/quantise.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/dequantise.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/shared_data.hpp"

using quipu::tensor_type;

TEST_CASE("quantised rows have the reference bytes", "[io][quantise]") {
  const auto path = quipu::test::golden_case("blocks") / "golden.safetensors";
  QUIPU_NEEDS(path);
  const quipu::io::safetensors_file golden(path.string());
  for (const tensor_type type : {tensor_type::f16, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0,
                                 tensor_type::q4_1}) {
    const std::string name(quipu::name_of(type));
    INFO(name);
    const auto& input = golden.at("quantise." + name + ".input");
    const auto& expected = golden.at("quantise." + name + ".bytes").bytes;
    const std::vector<std::byte> bytes = quipu::io::stored_as(input, type);
    REQUIRE(bytes.size() == expected.size());
    CHECK(std::equal(bytes.begin(), bytes.end(), expected.begin()));
    const quipu::io::tensor_view stored{type, input.shape, bytes};
    CHECK(quipu::io::values_of<float>(stored) ==
          quipu::io::values_of<float>(golden.at("quantise." + name + ".values")));
  }
}

TEST_CASE("hostile weights give defined bytes", "[io][quantise]") {
  std::array<float, 32> weights{};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float extremes[] = {std::numeric_limits<float>::quiet_NaN(), 1e38f, -1e38f,
                              std::numeric_limits<float>::infinity(), std::numeric_limits<float>::denorm_min()};
    weights[i] = extremes[i % 5];
  }
  for (const tensor_type type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1}) {
    INFO(quipu::name_of(type));
    const std::size_t n_byte = quipu::row_bytes(type, weights.size());
    std::array<std::byte, 40> zeros{}, ones{};
    ones.fill(std::byte{0xff});
    quipu::io::quantise_row(type, weights.data(), zeros.data(), weights.size());
    quipu::io::quantise_row(type, weights.data(), ones.data(), weights.size());
    CHECK(std::equal(zeros.begin(), zeros.begin() + n_byte, ones.begin()));  // nothing of what was there before
    // Nothing after
    CHECK(std::all_of(zeros.begin() + n_byte, zeros.end(), [](std::byte b) { return b == std::byte{0}; }));
    CHECK(std::all_of(ones.begin() + n_byte, ones.end(), [](std::byte b) { return b == std::byte{0xff}; }));
  }
}

TEST_CASE("types that are only read cannot be written", "[io][quantise]") {
  const std::array<float, 256> weights{};
  std::array<std::byte, 256> bytes{};
  for (const tensor_type type : {tensor_type::q4_k, tensor_type::q5_0, tensor_type::i32}) {
    CHECK_FALSE(quipu::io::can_quantise(type));
    CHECK_THROWS_AS(quipu::io::quantise_row(type, weights.data(), bytes.data(), weights.size()),
                    quipu::config_error);
  }
  const quipu::io::tensor_view narrow{tensor_type::f32, {4, 8}, std::as_bytes(std::span(weights).first(32))};
  CHECK_THROWS_AS(quipu::io::stored_as(narrow, tensor_type::q8_0), quipu::config_error);
}

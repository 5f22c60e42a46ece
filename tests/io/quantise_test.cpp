#include <quipu/io/quantise.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
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
                                 tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1}) {
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

TEST_CASE("exact halves fall to the side where llama.cpp has them", "[io][quantise]") {
  const auto levels = [](tensor_type type, std::vector<float> weights) {
    weights.resize(32);
    std::vector<std::byte> block(quipu::row_bytes(type, 32));
    quipu::io::quantise_row(type, weights.data(), block.data(), 32);
    const std::size_t at = type == tensor_type::q4_0 || type == tensor_type::q8_0 ? 2 : type == tensor_type::q4_1 ? 4
                           : type == tensor_type::q5_0 ? 6 : 8;
    std::vector<int> found;
    for (std::size_t i = 0; i < 5; ++i) {
      const int byte = std::to_integer<int>(block[at + i]);
      const bool wide = type == tensor_type::q5_0 || type == tensor_type::q5_1;
      const int fifth = wide ? std::to_integer<int>(block[at - 4]) >> i & 1 : 0;
      found.push_back(type == tensor_type::q8_0 ? static_cast<std::int8_t>(byte) : (byte & 15) | fifth << 4);
    }
    return found;
  };
  // d = -1.5, 1 / d rounded up in magnitude: the product is -1.5 only after it is rounded.
  CHECK(levels(tensor_type::q4_0, {12, 2.25f, -2.25f, 0.75f, -0.75f}) == std::vector{0, 7, 10, 8, 9});
  CHECK(levels(tensor_type::q5_0, {24, 2.25f, -2.25f, 0.75f, -0.75f}) == std::vector{0, 15, 18, 16, 17});
  CHECK(levels(tensor_type::q4_1, {0, 15, 0.5f, 1.5f, 7.5f}) == std::vector{0, 15, 1, 2, 8});
  CHECK(levels(tensor_type::q5_1, {0, 31, 0.5f, 1.5f, 30.5f}) == std::vector{0, 31, 1, 2, 31});
  CHECK(levels(tensor_type::q8_0, {127, 0.5f, -0.5f, 1.5f, 2.5f}) == std::vector{127, 1, -1, 2, 3});
}

TEST_CASE("many rows, half of them full of exact halves, have the reference bytes", "[io][quantise]") {
  std::vector<float> weights(2048 * 32);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    state = state * 1664525 + 1013904223;
    const auto level = static_cast<float>(static_cast<int>((state >> 16) % 129) - 64);
    weights[i] = level * (i / 32 % 2 == 0 ? 0.125f : 0.1f);
  }
  // FNV-1a of what gguf-py 0.19 makes of them; for Q4_0 a sum in double differs in 496 levels.
  const std::pair<tensor_type, std::uint64_t> expected[] = {{tensor_type::q8_0, 0xfeac3a66467ecd89},
                                                            {tensor_type::q4_0, 0xd392378b9a0b7f1e},
                                                            {tensor_type::q4_1, 0x9a5ecf4c71e96a18},
                                                            {tensor_type::q5_0, 0x276e6b80a79118a4},
                                                            {tensor_type::q5_1, 0x78236c35f815b157}};
  for (const auto& [type, hash] : expected) {
    INFO(quipu::name_of(type));
    std::vector<std::byte> bytes(quipu::row_bytes(type, weights.size()));
    quipu::io::quantise_row(type, weights.data(), bytes.data(), weights.size());
    std::uint64_t found = 0xcbf29ce484222325;
    for (const std::byte b : bytes) found = (found ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3;
    CHECK(found == hash);
  }
}

TEST_CASE("hostile weights give defined bytes", "[io][quantise]") {
  std::array<float, 32> weights{};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float extremes[] = {std::numeric_limits<float>::quiet_NaN(), 1e38f, -1e38f,
                              std::numeric_limits<float>::infinity(), std::numeric_limits<float>::denorm_min()};
    weights[i] = extremes[i % 5];
  }
  for (const tensor_type type :
       {tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1}) {
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
  for (const tensor_type type : {tensor_type::q4_k, tensor_type::iq4_nl, tensor_type::i32}) {
    CHECK_FALSE(quipu::io::can_quantise(type));
    CHECK_THROWS_AS(quipu::io::quantise_row(type, weights.data(), bytes.data(), weights.size()),
                    quipu::config_error);
  }
  const quipu::io::tensor_view narrow{tensor_type::f32, {4, 8}, std::as_bytes(std::span(weights).first(32))};
  CHECK_THROWS_AS(quipu::io::stored_as(narrow, tensor_type::q8_0), quipu::config_error);
}

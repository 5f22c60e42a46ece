#include <quipu/io/dequantise.hpp>

#include <array>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/shared_data.hpp"

using quipu::tensor_type;

namespace {

constexpr std::array weight_types = {
    tensor_type::f16,  tensor_type::bf16, tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0,
    tensor_type::q5_1, tensor_type::q8_0, tensor_type::q2_k, tensor_type::q3_k, tensor_type::q4_k,
    tensor_type::q5_k, tensor_type::q6_k, tensor_type::iq4_nl};

}  // namespace

TEST_CASE("every stored type dequantises to the reference bits", "[io][dequantise]") {
  const auto path = quipu::test::golden_case("blocks") / "golden.safetensors";
  QUIPU_NEEDS(path);
  const quipu::io::safetensors_file golden(path.string());
  for (const tensor_type type : weight_types) {
    const std::string name(quipu::name_of(type));
    INFO(name);
    const auto& bytes = golden.at(name + ".bytes");
    const auto expected = quipu::io::values_of<float>(golden.at(name + ".values"));
    REQUIRE(bytes.bytes.size() == quipu::row_bytes(type, expected.size()));
    std::vector<float> values(expected.size());
    quipu::io::dequantise_row(type, bytes.bytes.data(), values.data(), values.size());
    REQUIRE(!values.empty());
    CHECK(std::memcmp(values.data(), expected.data(), values.size() * sizeof(float)) == 0);

    std::vector<double> wide(expected.size());
    quipu::io::dequantise_row(type, bytes.bytes.data(), wide.data(), wide.size());
    CHECK(wide == std::vector<double>(expected.begin(), expected.end()));
  }
}

TEST_CASE("F64 is rounded once to float and kept in double", "[io][dequantise]") {
  const std::array<double, 3> stored = {0.1, -1e300, 3.0};
  const auto* bytes = reinterpret_cast<const std::byte*>(stored.data());
  std::array<float, 3> narrow{};
  std::array<double, 3> wide{};
  quipu::io::dequantise_row(tensor_type::f64, bytes, narrow.data(), 2);
  quipu::io::dequantise_row(tensor_type::f64, bytes, wide.data(), 3);
  CHECK(narrow[0] == 0.1f);
  CHECK(narrow[1] == -std::numeric_limits<float>::infinity());
  CHECK(narrow[2] == 0.0f);
  CHECK(wide == stored);
}

TEST_CASE("integer types hold no weights", "[io][dequantise]") {
  std::array<float, 1> value{};
  const std::array<std::byte, 8> bytes{};
  CHECK_THROWS_AS(quipu::io::dequantise_row(tensor_type::i64, bytes.data(), value.data(), 1),
                  quipu::config_error);
  CHECK_THROWS_AS(quipu::io::dequantise_row(tensor_type::u8, bytes.data(), value.data(), 1),
                  quipu::config_error);
}

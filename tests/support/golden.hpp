/// @file Reading reference values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/token.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/json_file.hpp"
#include "support/shared_data.hpp"

namespace quipu::test {

/// One case of the golden set: a folder with golden.safetensors and golden.json.
class golden {
 public:
  explicit golden(const std::string& name, const std::string& stem = "golden")
      : folder_(golden_case(name)),
        tensors_((folder_ / (stem + ".safetensors")).string()),
        json_(read_json(folder_ / (stem + ".json"))) {}

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const nlohmann::json& json() const { return json_; }
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.find(name) != nullptr; }
  [[nodiscard]] const auto& tensors() const { return tensors_.tensors(); }
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& name) const { return tensors_.at(name).shape; }

  template <class Value = double>
  [[nodiscard]] std::vector<Value> values(const std::string& name) const {
    return io::values_of<Value>(tensors_.at(name));
  }
  [[nodiscard]] std::vector<token_id> ids(const std::string& name) const {
    const auto wide = io::values_of<std::int64_t>(tensors_.at(name));
    return {wide.begin(), wide.end()};
  }

 private:
  std::filesystem::path folder_;
  io::safetensors_file tensors_;
  nlohmann::json json_;
};

template <class A, class B>
double max_abs_difference(const A& a, const B& b) {
  REQUIRE(std::size(a) == std::size(b));
  double worst = 0;
  for (std::size_t i = 0; i < std::size(a); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= worst)) worst = difference;  // NaN counts as worst of all
  }
  return worst;
}

}  // namespace quipu::test

// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <quipu/core/tensor_type.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/backward_kernels.hpp>
#include <quipu/linear/kernels.hpp>

namespace io = quipu::io;
namespace linear = quipu::linear;
using quipu::block_of;
using quipu::instruction_set;
using quipu::row_bytes;
using quipu::tensor_type;

namespace {

// Blocks with any codes and scales of a few thousandths.
std::vector<std::byte> random_blocks(tensor_type type, std::size_t n_block, std::mt19937& random) {
  const std::size_t bytes = block_of(type).bytes;
  std::vector<std::byte> blocks(n_block * bytes);
  for (auto& b : blocks) b = static_cast<std::byte>(random());
  // Upper bytes of small binary16 numbers
  const auto scale = [&] { return static_cast<std::byte>((random() & 0x83) | 0x18); };
  for (std::size_t i = 0; i < n_block; ++i) {
    blocks[i * bytes + 1] = scale();
    if (type == tensor_type::q4_1) blocks[i * bytes + 3] = scale();
  }
  return blocks;
}

}  // namespace

TEST_CASE("panels of 4- and 8-bit weights are widened as single rows are") {
  std::mt19937 random(3);
  for (const auto set : {instruction_set::portable, linear::best_kernels().set}) {
    const auto& kernels = linear::kernels_for(set);
    for (const auto type : {tensor_type::q4_0, tensor_type::q4_1, tensor_type::q8_0}) {
      for (const std::size_t n_row : {16u, 5u, 1u}) {
        const std::size_t cols = 192, stride = row_bytes(type, cols);
        const auto w = random_blocks(type, 16 * cols / 32, random);
        std::vector<float> expected(cols * 16, 0.0f), row(cols);
        for (std::size_t i = 0; i < n_row; ++i) {
          io::dequantise_row(type, w.data() + i * stride, row.data(), cols);
          for (std::size_t k = 0; k < cols; ++k) expected[k * 16 + i] = row[k];
        }
        if (type != tensor_type::q8_0) {
          std::vector<float> panel(cols * 16, 9.0f);
          kernels.widen_panel(type, w.data(), stride, n_row, cols, panel.data());
          REQUIRE(panel == expected);
        }
        std::vector<float> left(n_row * 16), right(n_row * 16);
        kernels.widen_block_column(type, w.data() + row_bytes(type, 64), stride, n_row, left.data(), right.data());
        for (std::size_t i = 0; i < n_row; ++i) {
          for (std::size_t j = 0; j < 16; ++j) {
            REQUIRE(left[i * 16 + j] == expected[(64 + j) * 16 + i]);
            REQUIRE(right[i * 16 + j] == expected[(80 + j) * 16 + i]);
          }
        }
      }
    }
  }
}

TEST_CASE("rows of any number are laid side by side") {
  std::mt19937 random(4);
  std::vector<float> in(16 * 40);
  for (float& x : in) x = static_cast<float>(random() % 1000);
  for (const auto set : {instruction_set::portable, linear::best_kernels().set}) {
    for (const std::size_t width : {linear::gemm_mr<float>, linear::gemm_nr<float>}) {
      for (std::size_t rows = 1; rows <= width; ++rows) {
        for (const std::size_t k : {1u, 4u, 7u, 8u, 19u, 40u}) {
          std::vector<float> out(k * width + 1, -1.0f);
          linear::kernels_for(set).interleave_f32(in.data(), 40, rows, k, width, out.data());
          for (std::size_t j = 0; j < k; ++j) {
            for (std::size_t i = 0; i < width; ++i) REQUIRE(out[j * width + i] == (i < rows ? in[i * 40 + j] : 0.0f));
          }
          REQUIRE(out.back() == -1.0f);  // nothing after the panel
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("strided products agree with plain loops, wherever operands lie", "", float, double) {
  std::mt19937 random(5);
  constexpr std::size_t width = linear::backward_kernel_table<TestType>::strided_width;
  std::vector<TestType> a(80 * 80), b(80 * 80);
  for (auto& x : a) x = static_cast<TestType>(static_cast<int>(random() % 9) - 4);  // whole numbers: exact sums
  for (auto& x : b) x = static_cast<TestType>(static_cast<int>(random() % 9) - 4);
  for (const auto set : {instruction_set::portable, linear::best_kernels().set}) {
    const auto& loops = linear::backward_kernels_for<TestType>(set);
    for (const std::size_t m : {1u, 5u, 16u, 19u}) {
      for (const std::size_t n : {width, 2 * width, 5 * width}) {
        for (const std::size_t k : {1u, 7u, 64u}) {
          for (const bool transposed : {false, true}) {
            const std::size_t a_row = transposed ? 1 : 80, a_k = transposed ? 80 : 1;
            std::vector<TestType> c(m * 80, 2), expected = c;
            loops.strided_product(m, n, k, a.data(), a_row, a_k, b.data(), 80, c.data(), 80, true);
            for (std::size_t i = 0; i < m; ++i) {
              for (std::size_t j = 0; j < n; ++j) {
                for (std::size_t t = 0; t < k; ++t) expected[i * 80 + j] += a[i * a_row + t * a_k] * b[t * 80 + j];
              }
            }
            REQUIRE(c == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("attention's probabilities of far and missing scores") {
  for (const auto set : {instruction_set::portable, linear::best_kernels().set}) {
    const auto& loops = linear::backward_kernels_for<float>(set);
    std::vector<float> scores(201), dp(201, 1.0f);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -0.43f * static_cast<float>(i);
    const auto before = scores;
    loops.attention(scores.data(), dp.data(), scores.size(), 1.0f, 0.0f, 0.0f);
    for (std::size_t i = 0; i < scores.size(); ++i)
      REQUIRE(scores[i] == Approx(std::exp(static_cast<double>(before[i]))).epsilon(3e-7).margin(3e-38));
    float odd[2] = {-1e30f, std::nanf("")}, with[2] = {1.0f, 1.0f};
    loops.attention(odd, with, 2, 1.0f, 0.0f, 0.0f);
    REQUIRE(odd[0] >= 0.0f);
    REQUIRE(odd[0] < 1e-37f);
    REQUIRE(std::isnan(odd[1]));
  }
}

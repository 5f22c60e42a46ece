// Products with weights in tiles, against their definition: numbers of the file times rounded activations.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/linear/packed_product.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/pack_matrix.hpp>
#include <quipu/linear/packed_kernels.hpp>
#include <quipu/linear/project.hpp>

#include "support/random_weights.hpp"

namespace quipu_packed_product_test {

namespace linear = quipu::linear;
using linear::activation_bits;
using quipu::instruction_set;
using quipu::tensor_type;

constexpr tensor_type quantised_types[] = {tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1,
                                           tensor_type::q8_0, tensor_type::q4_k, tensor_type::q5_k, tensor_type::q6_k,
                                           tensor_type::q3_k, tensor_type::q2_k, tensor_type::iq4_nl};
constexpr tensor_type types[] = {tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1,
                                 tensor_type::q8_0, tensor_type::q4_k, tensor_type::q5_k, tensor_type::q6_k,
                                 tensor_type::q3_k, tensor_type::q2_k, tensor_type::iq4_nl,
                                 tensor_type::f32,  tensor_type::f16,  tensor_type::bf16};

/// Where the scales of a block lie, each of two bytes.
std::size_t scales_at(tensor_type type) {
  switch (type) {
    case tensor_type::q6_k: return 208;
    case tensor_type::q3_k: return 108;
    case tensor_type::q2_k: return 80;
    default: return 0;
  }
}

/// Random bytes are sound codes and inner scales; outer ones and plain values are made.
struct weights {
  std::vector<std::byte> bytes;
  std::vector<double> wide;
  quipu::buffer<std::byte> tiles;
  linear::stored_matrix w;

  weights(tensor_type type, std::size_t rows, std::size_t cols, std::uint64_t seed = 1) {
    const auto block = quipu::block_of(type);
    const std::size_t stride = quipu::row_bytes(type, cols), n_block = rows * cols / block.elements;
    bytes.resize(rows * stride);
    wide.resize(rows * cols);
    quipu::random_stream random(seed);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
    const bool is_plain = linear::packed_form_of(type).is_plain;
    for (std::size_t i = 0; is_plain && i < rows * cols; ++i) {
      const auto value = static_cast<float>(random.normal());
      const std::uint16_t half = type == tensor_type::f16 ? quipu::float_to_f16_bits(value) : quipu::float_to_bf16_bits(value);
      if (type == tensor_type::f32) {
        std::memcpy(bytes.data() + 4 * i, &value, 4);
      } else {
        std::memcpy(bytes.data() + 2 * i, &half, 2);
      }
    }
    for (std::size_t i = 0; !is_plain && i < n_block; ++i) {
      std::byte* const at = bytes.data() + i * block.bytes + scales_at(type);
      const bool two = type == tensor_type::q4_1 || type == tensor_type::q5_1 || type == tensor_type::q4_k || type == tensor_type::q5_k ||
                       type == tensor_type::q2_k;
      for (std::size_t k = 0; k < (two ? 2 : 1); ++k) {
        const std::uint16_t half = quipu::float_to_f16_bits(static_cast<float>(0.02 * random.normal()));
        std::memcpy(at + 2 * k, &half, 2);
      }
    }
    std::vector<float> row(cols);
    for (std::size_t r = 0; r < rows; ++r) {
      quipu::io::dequantise_row(type, bytes.data() + r * stride, row.data(), cols);
      std::copy(row.begin(), row.end(), wide.begin() + static_cast<std::ptrdiff_t>(r * cols));
    }
    if (type == tensor_type::q2_k) round_in_blocks();
    REQUIRE(linear::can_pack(type, cols));
    w = {type, rows, cols, bytes.data(), stride, nullptr};
    tiles = quipu::buffer<std::byte>(linear::packed_bytes(type, rows, cols));
    REQUIRE(linear::pack_matrix(w, quipu::thread_team(2), tiles.data()));
    w.packed = tiles.data();
  }

 private:
  // What tiles hold of weights whose type has no tiles: 8 bits a weight under a scale in binary16 for each 32.
  void round_in_blocks() {
    for (std::size_t b = 0; b < wide.size(); b += 32) {
      double most = 0, worst = 0;
      for (std::size_t k = b; k < b + 32; ++k) most = std::max(most, std::abs(wide[k]));
      const auto largest = static_cast<float>(most);
      const float d = largest / 127, stored = quipu::f16_bits_to_float(quipu::float_to_f16_bits(d));
      for (std::size_t k = b; k < b + 32; ++k) {
        const double held = most == 0 ? 0 : double{stored} * double{std::round(static_cast<float>(wide[k]) * (1 / d))};
        worst = std::max(worst, std::abs(held - wide[k]));
        wide[k] = held;
      }
      CHECK(worst <= 1.2 * most / 254);  // half a step, and what binary16 leaves of the scale
    }
  }
};

/// d = max |x| / largest in blocks of 32, q = x / d to the nearest.
std::vector<double> rounded(const std::vector<float>& x, int largest) {
  std::vector<double> out(x.size());
  for (std::size_t b = 0; b < x.size(); b += 32) {
    float most = 0;
    for (std::size_t i = b; i < b + 32; ++i) most = std::max(most, std::abs(x[i]));
    for (std::size_t i = b; i < b + 32 && most > 0; ++i)
      out[i] = std::nearbyint(x[i] * (static_cast<float>(largest) / most)) * double{most / static_cast<float>(largest)};
  }
  return out;
}

/// What activations of a product become.
std::vector<double> met(tensor_type type, linear::activation_rounding rounding, const linear::packed_kernel_table& packed,
                        const std::vector<float>& x) {
  const bool eight = rounding == linear::activation_rounding::int8;
  if (!linear::packed_form_of(type).is_plain)
    return rounded(x, linear::largest_rounded(eight ? activation_bits::eight : activation_bits::sixteen));
  std::vector<double> out(x.begin(), x.end());
  if (eight && type == tensor_type::bf16 && packed.multiply_bf16 != nullptr) {
    for (double& v : out) v = static_cast<double>(static_cast<float>(quipu::bf16(static_cast<float>(v))));
  }
  return out;
}

template <class Check>
void in_every_set(Check&& check) {
  for (const instruction_set set : quipu::instruction_sets) {
    if (!quipu::has_instruction_set(set)) {
      WARN("no " << quipu::name_of(set) << " here: its kernels were not run");
      continue;
    }
    INFO(quipu::name_of(set));
    check(linear::kernels_for(set), linear::packed_kernels_for(set));
  }
}

std::vector<float> product(linear::workspace& ws, linear::activation_rounding rounding, const linear::stored_matrix& w,
                           const std::vector<float>& x, std::size_t n_row) {
  linear::projector<float> projector(ws, rounding);
  std::vector<float> y(n_row * w.rows);
  const linear::projection<float> one{&w, nullptr, {y.data(), n_row, w.rows}};
  projector.run({x.data(), n_row, w.cols}, {&one, 1});
  return y;
}

TEST_CASE("rounded activations take memory for what products read of them", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    linear::workspace ws(quipu::thread_team(2), kernels, packed);
    const auto x = quipu::test::random_values(3 * 64, 1);
    for (const auto bits : {activation_bits::eight, activation_bits::sixteen}) {
      linear::rounded_buffer rounded;
      rounded.round(ws, {x.data(), 3, 64}, bits);
      const bool is_eight = bits == activation_bits::eight, has_planes = packed.set >= instruction_set::avx_vnni;
      CHECK((rounded.rows().pairs != nullptr) == !has_planes);
      CHECK((rounded.rows().high != nullptr) == (has_planes || (is_eight && packed.set != instruction_set::portable)));
      CHECK((rounded.rows().low != nullptr) == (has_planes && !is_eight));
      CHECK(rounded.rows().from_row(2, 64).low == (rounded.rows().low == nullptr ? nullptr : rounded.rows().low + 2 * 64));
    }
  });
}

TEST_CASE("products with tiles are those of the file's numbers and the rounded activations", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    linear::workspace ws(quipu::thread_team(2), kernels, packed);
    for (const tensor_type type : types) {
      for (const std::size_t rows : {1, 16, 37}) {
        // Plain rows need not end with a block; those of bf16 are even.
        const std::size_t cols = quipu::block_of(type).elements == 256 ? 512 : type == tensor_type::bf16 ? 358 :
                                 linear::packed_form_of(type).is_plain ? 361 : 352;
        const weights made(type, rows, cols);
        for (const std::size_t n_row : {1, 2, 7, 70}) {
          const auto x = quipu::test::random_values(n_row * cols, 2);
          for (const auto rounding : {linear::activation_rounding::int8, linear::activation_rounding::int16}) {
            const std::vector<double> q = met(type, rounding, packed, x);
            const std::vector<float> y = product(ws, rounding, made.w, x, n_row);
            double worst = 0, most = 0;
            for (std::size_t t = 0; t < n_row; ++t) {
              for (std::size_t r = 0; r < rows; ++r) {
                double sum = 0, size = 0;
                for (std::size_t k = 0; k < cols; ++k) {
                  const double term = made.wide[r * cols + k] * q[t * cols + k];
                  sum += term;
                  size += std::abs(term);
                }
                worst = std::max(worst, std::abs(sum - static_cast<double>(y[t * rows + r])));
                most = std::max(most, size);
              }
            }
            INFO(quipu::name_of(type) << ' ' << rows << " x " << cols << ", " << n_row << " rows of activations");
            CHECK(worst < 1e-6 * most);
          }
        }
      }
    }
  });
}

TEST_CASE("16 bits cost each activation at most 2^-16 of its block's largest", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    linear::workspace ws(quipu::thread_team(1), kernels, packed);
    for (const tensor_type type : quantised_types) {
      const std::size_t rows = 48, cols = 1024;
      const weights made(type, rows, cols, 3);
      const auto x = quipu::test::random_values(cols, 4);
      const auto y = product(ws, linear::activation_rounding::int16, made.w, x, 1);
      INFO(quipu::name_of(type));
      for (std::size_t r = 0; r < rows; ++r) {
        double exact = 0, allowed = 0;
        for (std::size_t b = 0; b < cols; b += 32) {
          double most = 0, size = 0;
          for (std::size_t k = b; k < b + 32; ++k) {
            const double w = made.wide[r * cols + k];
            exact += w * double{x[k]};
            size += std::abs(w);
            most = std::max(most, std::abs(double{x[k]}));
          }
          allowed += size * most / 65278;  // twice 32,639
        }
        CHECK(std::abs(double{y[r]} - exact) < 1.01 * allowed);
      }
    }
  });
}

TEST_CASE("a row's result depends neither on the rows beside it nor on the number of threads", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    for (const tensor_type type : types) {
      const std::size_t rows = 83, cols = 512, n_row = 67;
      const weights made(type, rows, cols, 5);
      const auto x = quipu::test::random_values(n_row * cols, 6);
      for (const auto rounding : {linear::activation_rounding::int8, linear::activation_rounding::int16}) {
        linear::workspace one(quipu::thread_team(1), kernels, packed);
        const auto together = product(one, rounding, made.w, x, n_row);
        for (const std::size_t n_thread : {2, 3, 7}) {
          linear::workspace ws(quipu::thread_team(n_thread), kernels, packed);
          CHECK(product(ws, rounding, made.w, x, n_row) == together);
        }
        for (const std::size_t t : {0, 2, 64, 66}) {
          const std::vector<float> row(x.begin() + static_cast<std::ptrdiff_t>(t * cols),
                                       x.begin() + static_cast<std::ptrdiff_t>((t + 1) * cols));
          const auto alone = product(one, rounding, made.w, row, 1);
          CHECK(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<std::ptrdiff_t>(t * rows)));
        }
      }
    }
  });
}

TEST_CASE("several products of one step, some in tiles and some not, with biases and sums", "[linear][packed]") {
  const std::size_t cols = 512, n_row = 5;
  const weights a(tensor_type::q4_k, 75, cols, 1), b(tensor_type::q8_0, 33, cols, 2), c(tensor_type::q6_k, 16, cols, 3);
  linear::stored_matrix plain = b.w;
  plain.packed = nullptr;
  const auto x = quipu::test::random_values(n_row * cols, 4), bias = quipu::test::random_values(75, 5);
  linear::workspace ws(quipu::thread_team(2));
  linear::projector<float> projector(ws, linear::activation_rounding::int16);
  std::vector<float> ya(n_row * 75, 1.0f), yb(n_row * 33), yp(n_row * 33), yc(n_row * 16);
  const linear::projection<float> products[] = {{&a.w, bias.data(), {ya.data(), n_row, 75}, linear::gemm_output::accumulate},
                                                {&plain, nullptr, {yp.data(), n_row, 33}},
                                                {&b.w, nullptr, {yb.data(), n_row, 33}},
                                                {&c.w, nullptr, {yc.data(), n_row, 16}}};
  projector.run({x.data(), n_row, cols}, products);
  const auto alone = product(ws, linear::activation_rounding::int16, a.w, x, n_row);
  for (std::size_t i = 0; i < ya.size(); ++i) CHECK(ya[i] == 1.0f + (alone[i] + bias[i % 75]));
  CHECK(yb == product(ws, linear::activation_rounding::int16, b.w, x, n_row));
  CHECK(yc == product(ws, linear::activation_rounding::int16, c.w, x, n_row));
  CHECK(yp == product(ws, linear::activation_rounding::none, plain, x, n_row));
}

TEST_CASE("tiles from a sixteenth row on are a part, other parts have none", "[linear][packed]") {
  const weights made(tensor_type::q5_1, 50, 64, 7);
  const auto x = quipu::test::random_values(64, 8);
  linear::workspace ws(quipu::thread_team(1));
  const auto all = product(ws, linear::activation_rounding::int16, made.w, x, 1);
  const auto part = product(ws, linear::activation_rounding::int16, made.w.middle_rows(32, 18), x, 1);
  CHECK(std::equal(part.begin(), part.end(), all.begin() + 32));
  CHECK(made.w.middle_rows(8, 16).packed == nullptr);
}

TEST_CASE("what is not finite among the activations reaches every output of its row alone", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    linear::workspace ws(quipu::thread_team(1), kernels, packed);
    for (const tensor_type type : types) {
      const weights made(type, 20, 256, 9);
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        auto x = quipu::test::random_values(2 * 256, 2);
        x[37] = bad;
        for (const auto rounding : {linear::activation_rounding::int8, linear::activation_rounding::int16}) {
          const auto y = product(ws, rounding, made.w, x, 2);
          for (std::size_t r = 0; r < 20; ++r) CHECK((!std::isfinite(y[r]) && std::isfinite(y[20 + r])));
        }
      }
    }
  });
}

TEST_CASE("rows of zeros and of tiny numbers", "[linear][packed]") {
  in_every_set([](const auto& kernels, const auto& packed) {
    linear::workspace ws(quipu::thread_team(1), kernels, packed);
    const weights made(tensor_type::q8_0, 16, 64, 9);
    for (const float value : {0.0f, 1e-45f, 1e-38f, 1e-33f}) {
      std::vector<float> x(64, value);
      x[5] = 0;
      for (const auto rounding : {linear::activation_rounding::int8, linear::activation_rounding::int16}) {
        for (const float y : product(ws, rounding, made.w, x, 1)) CHECK(std::abs(y) <= 1000 * value);
      }
    }
  });
}

TEST_CASE("scales that are not finite are found when tiles are made", "[linear][packed]") {
  for (const tensor_type type : quantised_types) {
    weights made(type, 18, 256, 9);
    const std::uint16_t bad = 0x7c00;
    std::memcpy(made.bytes.data() + 17 * made.w.stride + scales_at(type), &bad, 2);
    CHECK_FALSE(linear::pack_matrix(made.w, quipu::thread_team(1), made.tiles.data()));
    const std::uint16_t nan = 0x7e00;
    std::memcpy(made.bytes.data() + 17 * made.w.stride + scales_at(type), &nan, 2);
    CHECK_FALSE(linear::pack_matrix(made.w, quipu::thread_team(1), made.tiles.data()));
  }
}

}  // namespace quipu_packed_product_test

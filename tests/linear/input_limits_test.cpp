#include <quipu/linear/input_limits.hpp>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/linear/column_norms.hpp>
#include <quipu/linear/pack_matrix.hpp>
#include <quipu/linear/packed_form.hpp>
#include <quipu/linear/project.hpp>

#include "support/random_weights.hpp"

namespace linear = quipu::linear;
using quipu::matrix_view;
using quipu::tensor_type;
using quipu::test::random_values;

namespace {

bool equal_memory(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct limited_product {
  std::size_t n_row, rows, cols;
  linear::stored_matrix w, other;
  linear::activation_rounding rounding;

  // w's product of x, and the product of another matrix in the same step.
  [[nodiscard]] std::vector<float> run(const std::vector<float>& x, std::size_t n_decode, const linear::input_limits* limits, linear::gemm_output output) const {
    linear::workspace ws(quipu::thread_team(2));
    linear::projector<float> projector(ws, rounding);
    projector.set_decode_rows(n_decode);
    linear::stored_matrix own = w;
    own.limits = limits;
    std::vector<float> y(2 * n_row * rows, 0.5f);
    const linear::projection<float> products[] = {{&own, nullptr, matrix_view<float>(y.data(), n_row, rows), output},
                                                  {&other, nullptr, matrix_view<float>(y.data() + n_row * rows, n_row, rows), output}};
    projector.run({x.data(), n_row, cols}, products);
    return y;
  }
};

}  // namespace

TEST_CASE("a matrix with limits meets the inputs that reach them, bit for bit, and its neighbours meet all", "[linear][input_limits]") {
  const std::size_t rows = 43, cols = 96, n_row = 5;
  for (const tensor_type type : {tensor_type::f32, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1}) {
    for (const bool packs : {false, true}) {
      const quipu::test::random_weights<float> a(type, rows, cols, 1), b(type, rows, cols, 2);
      std::vector<std::vector<std::byte>> tiles;
      const auto stored = [&](linear::stored_matrix w) {
        if (!packs) return w;
        tiles.emplace_back(linear::packed_bytes(type, rows, cols) + 64);
        const auto start = (64 - reinterpret_cast<std::uintptr_t>(tiles.back().data()) % 64) % 64;
        REQUIRE(linear::pack_matrix(w, quipu::thread_team(1), tiles.back().data() + start));
        w.packed = tiles.back().data() + start;
        return w;
      };
      const linear::stored_matrix wa = stored(a.w), wb = stored(b.w);
      for (const auto rounding : {linear::activation_rounding::none, linear::activation_rounding::int8, linear::activation_rounding::int16}) {
        const limited_product p{n_row, rows, cols, wa, wb, rounding};
        const std::vector<float> x = random_values(n_row * cols, 3);
        linear::input_limits limits;
        for (std::size_t j = 0; j < cols; ++j) limits.least.push_back(0.1f * static_cast<float>(j % 13));
        std::vector<float> masked = x;
        std::size_t n_left_out = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          if (std::abs(x[i]) >= limits.least[i % cols]) continue;
          masked[i] = 0;
          ++n_left_out;
        }
        REQUIRE(n_left_out > x.size() / 10);
        const linear::input_limits none{std::vector<float>(cols, 0.0f)};
        for (const std::size_t n_decode : {std::size_t{0}, std::size_t{2}, n_row}) {
          for (const auto output : {linear::gemm_output::overwrite, linear::gemm_output::accumulate}) {
            INFO(quipu::name_of(type) << (packs ? " in tiles, " : ", ") << n_decode << " decoded, rounding " << static_cast<int>(rounding));
            const auto whole = p.run(x, n_decode, nullptr, output), of_masked = p.run(masked, n_decode, nullptr, output),
                       limited = p.run(x, n_decode, &limits, output);
            const std::size_t half = whole.size() / 2;
            CHECK(equal_memory({limited.begin(), limited.begin() + static_cast<std::ptrdiff_t>(half)},
                               {of_masked.begin(), of_masked.begin() + static_cast<std::ptrdiff_t>(half)}));
            CHECK(equal_memory({limited.begin() + static_cast<std::ptrdiff_t>(half), limited.end()}, {whole.begin() + static_cast<std::ptrdiff_t>(half), whole.end()}));
            CHECK(equal_memory(p.run(x, n_decode, &none, output), whole));
            CHECK_FALSE(equal_memory(limited, whole));
          }
        }
      }
    }
  }
}

TEST_CASE("an input that is not a number is never left out", "[linear][input_limits]") {
  const linear::input_limits limits{{1, 1, std::numeric_limits<float>::infinity()}};
  const float x[] = {std::nanf(""), -1, 5};
  float out[3];
  limits.apply(x, out);
  CHECK(std::isnan(out[0]));
  CHECK(out[1] == -1);
  CHECK(out[2] == 0);
}

TEST_CASE("lengths of columns", "[linear][column_norms]") {
  const quipu::test::random_weights<float> a(tensor_type::q8_0, 5, 64, 1);
  const std::vector<float> norms = linear::column_norms(a.w);
  REQUIRE(norms.size() == 64);
  for (std::size_t j = 0; j < 64; ++j) {
    double sum = 0;
    for (std::size_t r = 0; r < 5; ++r) sum += static_cast<double>(a.wide[r * 64 + j]) * static_cast<double>(a.wide[r * 64 + j]);
    CHECK(norms[j] == Approx(std::sqrt(sum)).epsilon(1e-6));
  }
}

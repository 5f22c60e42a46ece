#include <quipu/linear/certified_argmax.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/linear/planes_product.hpp>

#include "support/random_weights.hpp"

namespace linear = quipu::linear;
using quipu::matrix_view;
using quipu::tensor_type;

namespace {

struct random_head {
  quipu::test::random_weights<float> weights;
  linear::integer_gate gate;
  quipu::thread_team team;
  std::shared_ptr<const linear::gate_planes> planes;

  random_head(std::size_t n_row, std::size_t n_col, std::uint64_t seed, std::size_t n_thread = 2)
      : weights(tensor_type::q8_0, n_row, n_col, seed), gate(weights.w, {.dither_seed = seed}), team(n_thread), planes(gate.planes(team)) {}
};

// The argmax of the whole product, for some inputs; how many rows the search read at most.
std::size_t check_best_row(const random_head& h, std::size_t n_input, quipu::instruction_set set = quipu::best_instruction_set()) {
  linear::workspace ws(h.team, linear::kernels_for(set));
  linear::integer_row_buffer rows;
  linear::certified_argmax search;
  linear::listed_gates work;
  const std::size_t n_col = h.weights.w.cols;
  const auto x = quipu::test::random_values(n_input * n_col, 77);
  std::vector<float> all(h.weights.w.rows);
  const linear::gate_certificate certificate(1e-12);
  std::size_t most = 0, wrong = 0;
  for (std::size_t i = 0; i < n_input; ++i) {
    const linear::integer_rows& row = rows.round(ws, matrix_view<const float>(x.data() + i * n_col, 1, n_col),
                                                 linear::activation_bits::sixteen, h.planes->dither.span());
    linear::multiply(ws, *h.planes, row, work, {all.data(), 1, all.size()});
    const auto best = static_cast<std::size_t>(std::max_element(all.begin(), all.end()) - all.begin());
    wrong += static_cast<std::size_t>(search.find(ws, *h.planes, row, certificate) != best);
    most = std::max(most, search.n_read());
  }
  CHECK(wrong == 0);
  return most;
}

}  // namespace

TEST_CASE("the row found is that of the whole product", "[linear][certified_argmax]") {
  for (const std::size_t n_row : {1, 15, 16, 17, 1000}) check_best_row(random_head(n_row, 64, n_row), 20);
  check_best_row(random_head(1000, 96, 5, 3), 20);
  for (const auto set : {quipu::instruction_set::portable, quipu::instruction_set::avx2}) {
    if (quipu::has_instruction_set(set)) check_best_row(random_head(500, 576, 6), 5, set);
  }
  CHECK(check_best_row(random_head(8192, 1024, 7), 50) < 1000);  // few rows are read whole
}

TEST_CASE("equal products: the lower number, and NaN", "[linear][certified_argmax]") {
  random_head h(64, 64, 9);
  // Rows 10 .. 63 are copies of row 10.
  const std::size_t stride = h.weights.w.stride;
  for (std::size_t r = 11; r < 64; ++r) std::copy_n(h.weights.bytes.data() + 10 * stride, stride, h.weights.bytes.data() + r * stride);
  const linear::integer_gate gate(h.weights.w, {.dither_seed = 1});
  const auto planes = gate.planes(h.team);
  linear::workspace ws(h.team);
  linear::integer_row_buffer rows;
  linear::certified_argmax search;
  std::vector<float> x(h.weights.wide.begin() + 10 * 64, h.weights.wide.begin() + 11 * 64);  // row 10 itself: it wins
  const linear::gate_certificate certificate(1e-12);
  CHECK(search.find(ws, *planes, rows.round(ws, matrix_view<const float>(x.data(), 1, 64), linear::activation_bits::sixteen, planes->dither.span()),
                    certificate) == 10);
  x[0] = std::nanf("");
  CHECK(search.find(ws, *planes, rows.round(ws, matrix_view<const float>(x.data(), 1, 64), linear::activation_bits::sixteen, planes->dither.span()),
                    certificate) == 0);
}

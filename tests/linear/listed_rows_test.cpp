#include <quipu/linear/listed_rows.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/linear/project.hpp>

#include "support/random_weights.hpp"

namespace quipu_listed_rows_test {

namespace linear = quipu::linear;
using quipu::tensor_type;
using quipu::test::random_values;
using weights = quipu::test::random_weights<double>;

namespace {

constexpr tensor_type plain[] = {tensor_type::f32, tensor_type::f16, tensor_type::bf16};
constexpr tensor_type blocks[] = {tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1};

template <class F>
void in_every_set(F&& f) {
  for (const auto set : quipu::instruction_sets) {
    if (!quipu::has_instruction_set(set)) continue;
    INFO(quipu::name_of(set));
    for (const std::size_t n_thread : {1, 3}) {
      linear::workspace ws(quipu::thread_team(n_thread), linear::kernels_for(set));
      f(ws);
    }
  }
}

template <class Scalar>
void check_add(linear::workspace& ws, tensor_type type, std::size_t cols) {
  const weights made(type, 40, cols);
  const std::vector<std::uint32_t> rows = {0, 3, 4, 17, 39};
  const auto c = random_values<Scalar>(rows.size(), 5);
  auto y = random_values<Scalar>(cols, 6);
  const auto before = y;
  linear::add_listed<Scalar>(ws, made.w, rows, c.data(), y.data());
  double worst = 0;
  for (std::size_t j = 0; j < cols; ++j) {
    double sum = static_cast<double>(before[j]);
    for (std::size_t i = 0; i < rows.size(); ++i) sum += static_cast<double>(c[i]) * made.wide[rows[i] * cols + j];
    worst = std::max(worst, std::abs(sum - static_cast<double>(y[j])));
  }
  INFO(quipu::name_of(type) << ' ' << cols);
  CHECK(worst < (sizeof(Scalar) == 8 ? 1e-12 : 2e-5));
}

}  // namespace

TEST_CASE("listed rows are added as the definition says", "[linear][listed_rows]") {
  in_every_set([](linear::workspace& ws) {
    for (const auto type : plain) {
      for (const std::size_t cols : {1, 3, 17, 64, 257, 576}) {
        check_add<float>(ws, type, cols);
        check_add<double>(ws, type, cols);
      }
    }
    for (const auto type : blocks) {
      for (const std::size_t cols : {32, 64, 288, 576}) {
        check_add<float>(ws, type, cols);
        check_add<double>(ws, type, cols);
      }
    }
  });
}

TEST_CASE("the sum does not depend on the number of threads", "[linear][listed_rows]") {
  const weights made(tensor_type::q8_0, 64, 1024);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < 64; i += 3) rows.push_back(i);
  const auto c = random_values<float>(rows.size(), 5);
  std::vector<float> one(1024, 1.0f), many(1024, 1.0f);
  linear::add_listed<float>(linear::workspace(quipu::thread_team(1)), made.w, rows, c.data(), one.data());
  linear::add_listed<float>(linear::workspace(quipu::thread_team(7)), made.w, rows, c.data(), many.data());
  CHECK(one == many);
}

TEST_CASE("entries of listed rows have the bits of the whole product", "[linear][listed_rows]") {
  in_every_set([](linear::workspace& ws) {
    for (const auto rounding : {linear::activation_rounding::none, linear::activation_rounding::int8}) {
      for (const auto type : {tensor_type::f32, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_1}) {
        const weights made(type, 40, 64);
        const auto x = random_values<float>(2 * 64, 9), bias = random_values<float>(40, 10);
        std::vector<float> all(80), some(80, -1.0f);
        linear::projector<float> projector(ws, rounding);
        const quipu::matrix_view<const float> in(x.data(), 2, 64);
        const linear::projection<float> whole{&made.w, bias.data(), {all.data(), 2, 40}};
        const linear::projection<float> part{&made.w, bias.data(), {some.data(), 2, 40}};
        const std::vector<std::uint32_t> rows = {1, 2, 30, 39};
        projector.set_decode_rows(2);  // read row by row
        projector.run(in, {&whole, 1});
        projector.run_listed(in, 1, part, rows);
        INFO(quipu::name_of(type));
        for (std::size_t r = 0; r < 40; ++r) {
          CHECK(some[r] == -1.0f);
          const bool listed = std::find(rows.begin(), rows.end(), r) != rows.end();
          CHECK(some[40 + r] == (listed ? all[40 + r] : -1.0f));
        }
        // Without a product before it, the rows are rounded now.
        linear::projector<float> fresh(ws, rounding);
        some.assign(80, -1.0f);
        fresh.run_listed(in, 1, part, rows);
        for (const std::uint32_t r : rows) CHECK(some[40 + r] == all[40 + r]);
      }
    }
  });
}

TEST_CASE("listed rows are rounded as their batch is", "[linear][listed_rows]") {
  in_every_set([](linear::workspace& ws) {
    const weights made(tensor_type::q8_0, 40, 64);
    const auto x = random_values<float>(9 * 64, 9);
    const auto entry = [&](linear::activation_rounding rounding, std::size_t n_row) {
      linear::projector<float> projector(ws, rounding);
      const quipu::matrix_view<const float> in(x.data(), n_row, 64);
      std::vector<float> y(n_row * 40);
      const linear::projection<float> part{&made.w, nullptr, {y.data(), n_row, 40}};
      const std::uint32_t row = 7;
      projector.run(in.middle_rows(0, 1), {&part, 1});  // the same place with fewer rows: nothing of it is taken for x
      projector.run_listed(in, n_row - 1, part, {&row, 1});
      return y[(n_row - 1) * 40 + 7];
    };
    using enum linear::activation_rounding;
    CHECK(entry(int16, 9) == entry(none, 9));  // 16 bits are for tiles
    CHECK(entry(int8, 9) != entry(none, 9));
  });
}

TEST_CASE("a gate lists what a shifted ReLU keeps", "[linear][listed_rows]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> gate = {0.0f, -0.0f, 0.25f, 0.2499f, nan, -inf, inf, 1e-30f, -1.0f, 3.0f, 0.5f};
  in_every_set([&](linear::workspace& ws) {
    std::vector<std::uint32_t> rows(gate.size());
    const auto list = [&](float threshold) {
      rows.resize(gate.size());
      rows.resize(linear::list_active<float>(ws, gate.data(), gate.size(), threshold, rows.data()));
      return rows;
    };
    CHECK(list(0.0f) == std::vector<std::uint32_t>{2, 3, 4, 6, 7, 9, 10});
    CHECK(list(0.25f) == std::vector<std::uint32_t>{2, 4, 6, 9, 10});  // equal counts as active
    CHECK(list(-2.0f) == std::vector<std::uint32_t>{2, 3, 4, 6, 7, 9, 10});
  });
}

}  // namespace quipu_listed_rows_test

// Gates in whole numbers: exact in every instruction set, and skipped only as the proof allows.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/linear/integer_gate.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/integer_product.hpp>

#include "support/integer_gates.hpp"
#include "support/random_weights.hpp"
#include "support/two_threads.hpp"

namespace quipu_integer_gate_test {

namespace linear = quipu::linear;
using linear::activation_bits;
using quipu::instruction_set;
using quipu::tensor_type;
using quipu::test::best_workspace;
using quipu::test::in_every_set;
using quipu::test::integers;
using quipu::test::product;
using quipu::test::quantile;
using quipu::test::workspace_of;

TEST_CASE("activations become whole numbers with one scale, the same in every set", "[linear][integer_gate]") {
  const auto u = [](std::size_t j) { return static_cast<std::uint8_t>(j * 7 % 16); };
  for (const std::size_t n : {1, 3, 17, 64, 100, 128, 576}) {
    const auto x = quipu::test::random_values(3 * n, n);
    std::vector<std::uint8_t> dither(n);
    for (std::size_t j = 0; j < n; ++j) dither[j] = u(j);
    for (const auto bits : {activation_bits::eight, activation_bits::sixteen}) {
      in_every_set([&](instruction_set set) {
        linear::workspace ws = workspace_of(set, 2);
        linear::integer_row_buffer buffer;
        buffer.round(ws, {x.data(), 3, n}, bits, dither);
        for (std::size_t t = 0; t < 3; ++t) {
          const linear::integer_rows row = buffer.rows().from_row(t);
          float most = 0;
          for (std::size_t j = 0; j < n; ++j) most = std::max(most, std::abs(x[t * n + j]));
          const auto largest = static_cast<float>(linear::largest_rounded(bits));
          CHECK(*row.scale == most / largest);
          for (std::size_t g = 0; g < row.n_group; ++g) {
            std::int64_t sum = 0, dither_sum = 0, squares = 0;
            bool right = true;
            for (std::size_t j = 64 * g; j < 64 * g + 64; ++j) {
              const int q = j < n ? static_cast<int>(std::nearbyint(x[t * n + j] * (largest / most))) : 0;
              const std::size_t c = j % 4, pair = j - c + (c == 1 ? 2 : c == 2 ? 1 : c);
              right = right && q == row.pairs[pair] &&
                      q == (bits == activation_bits::eight ? row.high[j] : 256 * row.high[j] + row.low[j]);
              right = right && (bits == activation_bits::sixteen || row.low[j] == 0);
              sum += q;
              dither_sum += j < n ? u(j) * q : 0;
              squares += std::int64_t{q} * q;
            }
            CHECK(right);
            CHECK(row.sums[g] == sum);
            CHECK(row.dither_sums[g] == dither_sum);
            CHECK(row.squares[g] == static_cast<double>(squares));
          }
        }
      });
    }
  }
  linear::workspace ws = best_workspace();
  linear::integer_row_buffer buffer;
  const std::vector<float> wide(linear::largest_integer_columns + 1);
  CHECK_THROWS_AS(buffer.round(ws, {wide.data(), 1, wide.size()}), quipu::shape_error);
  CHECK_THROWS_AS(buffer.round(ws, {wide.data(), 1, 64}, activation_bits::sixteen, std::vector<std::uint8_t>(63)),
                  quipu::shape_error);
}

TEST_CASE("both forms hold the weights' nearest whole numbers", "[linear][integer_gate]") {
  const quipu::thread_team team(2);
  for (const tensor_type type : {tensor_type::f32, tensor_type::f16, tensor_type::bf16, tensor_type::q8_0,
                                 tensor_type::q4_0, tensor_type::f64}) {
    const std::size_t n_col = 768;
    const quipu::test::random_weights<double> made(type, 37, n_col, 3);
    const linear::integer_gate gate(made.w, {.dither_seed = 5});
    const auto bytes = gate.bytes(team);
    const auto planes = linear::integer_gate(made.w, {.dither_seed = 5}).planes(team);  // not of the bytes
    const integers from_bytes(*bytes), from_planes(*planes), from_both(*gate.planes(team));
    CHECK(from_bytes.q == from_planes.q);
    CHECK(from_bytes.q == from_both.q);
    CHECK(from_bytes.multiplier == from_planes.multiplier);
    CHECK(from_bytes.multiplier == from_both.multiplier);
    CHECK(from_bytes.scale == from_planes.scale);
    CHECK(from_bytes.scale == from_both.scale);
    CHECK(std::equal(planes->dither.span().begin(), planes->dither.span().end(),
                     gate.planes(team)->dither.span().begin()));
    double changed = 0, whole = 0;
    bool in_range = true, nearest = true;
    for (std::size_t i = 0; i < 37; ++i) {
      for (std::size_t j = 0; j < n_col; ++j) {
        const int q = from_bytes.q[i * n_col + j], m = from_bytes.multiplier[i * n_col / 64 + j / 64];
        const double step = double{from_bytes.scale[i]} * m, w = made.wide[i * n_col + j];
        in_range = in_range && std::abs(q) <= 112 && m >= 1 && m <= 16;
        nearest = nearest && std::abs(w - step * q) <= step * 0.5001;
        changed += (w - step * q) * (w - step * q);
        whole += w * w;
      }
    }
    CHECK(in_range);
    CHECK(nearest);
    CHECK(gate.relative_error() == Approx(std::sqrt(changed / whole)).epsilon(1e-5));
    CHECK(gate.relative_error() < 0.012);
    CHECK(bytes->n_byte() >= 37 * n_col);
    CHECK(planes->n_byte() >= 37 * n_col);
  }
}

TEST_CASE("forms are made once and shared, the second of the first", "[linear][integer_gate]") {
  auto made = std::make_unique<quipu::test::random_weights<float>>(tensor_type::bf16, 100, 200);
  const linear::integer_gate gate(made->w);
  const linear::integer_gate copy = gate;
  CHECK(!gate.has_bytes());
  CHECK(gate.relative_error() == 0);
  std::shared_ptr<const linear::gate_planes> own[2];
  CHECK(quipu::test::in_two_threads([&](int i) {
          own[i] = (i == 0 ? gate : copy).planes(quipu::thread_team(2));
        }).empty());
  CHECK(own[0] == own[1]);
  CHECK(copy.has_planes());
  const double error = gate.relative_error();
  made.reset();
  CHECK(integers(*copy.bytes(quipu::thread_team(3))).q == integers(*own[0]).q);
  CHECK(gate.bytes(quipu::thread_team(1)) == copy.bytes(quipu::thread_team(1)));
  CHECK(gate.relative_error() == error);
  CHECK(linear::integer_gate().empty());
  CHECK(linear::integer_gate().n_neuron() == 0);
}

TEST_CASE("gates that cannot be whole numbers are refused by name", "[linear][integer_gate]") {
  const quipu::thread_team team(2);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto values = quipu::test::random_values(100 * 80, 1);
    values[70 * 80 + 13] = values[99 * 80] = bad;
    const linear::integer_gate gate(linear::store_plain(values.data(), 100, 80), {.name = "layer 3: gate"});
    CHECK_THROWS_WITH(gate.bytes(team), Catch::Contains("layer 3: gate: row 70, column 13"));
    CHECK_THROWS_AS(gate.planes(team), quipu::config_error);
    CHECK(!gate.has_bytes());
  }
  const std::vector<float> none(64);
  CHECK_THROWS_AS(linear::integer_gate({tensor_type::i32, 1, 16, reinterpret_cast<const std::byte*>(none.data()), 64}),
                  quipu::config_error);
  CHECK_THROWS_AS(
      linear::integer_gate({tensor_type::f32, 1, 32769, reinterpret_cast<const std::byte*>(none.data()), 64}),
      quipu::config_error);
  const linear::integer_gate zeros(linear::store_plain(none.data(), 4, 16));
  const auto held = zeros.bytes(team);
  CHECK(integers(*held).scale == std::vector<float>(4));
  CHECK(zeros.relative_error() == 0);
}

TEST_CASE("gates are exact for all shapes, sets and numbers of threads", "[linear][integer_gate]") {
  for (const std::size_t n_col : {1, 3, 17, 32, 64, 576, 4096}) {
    for (const std::size_t n_neuron : {1, 3, 17, 64, 100, 172, 1536}) {
      INFO(n_neuron << " x " << n_col);
      const auto values = quipu::test::random_values(n_neuron * n_col, n_neuron + n_col);
      const linear::integer_gate gate(linear::store_plain(values.data(), n_neuron, n_col), {.dither_seed = n_col});
      const quipu::thread_team team(2);
      const auto bytes = gate.bytes(team);
      const auto planes = gate.planes(team);
      const integers held(*bytes);
      constexpr std::size_t n_row = 5;
      const auto x = quipu::test::random_values(n_row * n_col, 9);
      for (const auto bits : {activation_bits::eight, activation_bits::sixteen}) {
        linear::workspace first = best_workspace();
        linear::integer_row_buffer rows;
        rows.round(first, {x.data(), n_row, n_col}, bits, planes->dither.span());
        std::vector<float> right(n_row * n_neuron);
        for (std::size_t t = 0; t < n_row; ++t) {
          for (std::size_t i = 0; i < n_neuron; ++i) right[t * n_neuron + i] = held.gate(i, rows.rows().from_row(t));
        }
        const float threshold[] = {quantile(right, 0.6)};
        const linear::gate_thresholds thresholds{threshold};
        std::vector<std::uint32_t> listed;
        in_every_set([&](instruction_set set) {
          for (const std::size_t n_thread : {1, 2, 3, 7}) {
            if (n_col == 4096 && n_neuron == 1536 && set == instruction_set::portable && n_thread != 2)
              continue;  // slow
            linear::workspace ws = workspace_of(set, n_thread);
            linear::integer_row_buffer own;
            own.round(ws, {x.data(), n_row, n_col}, bits, planes->dither.span());
            CHECK(product(ws, *bytes, own.rows()) == right);
            linear::integer_rows one = own.rows().from_row(1);
            one.n_row = 1;
            CHECK(product(ws, *bytes, one) ==
                  std::vector<float>(right.begin() + static_cast<std::ptrdiff_t>(n_neuron),
                                     right.begin() + static_cast<std::ptrdiff_t>(2 * n_neuron)));
            linear::listed_gates list;
            estimate(ws, *planes, one, thresholds, linear::gate_certificate(1e-6), list);
            finish(ws, *planes, one, list);
            const std::vector<std::uint32_t> ids(list.ids().begin(), list.ids().end());
            if (listed.empty()) listed = ids;
            CHECK(ids == listed);
            bool same = true;
            std::size_t next = 0;
            for (std::size_t i = 0; i < n_neuron; ++i) {
              const bool here = next < ids.size() && ids[next] == i;
              same = same &&
                     (here ? list.values()[next] == right[n_neuron + i] : thresholds.inactive(i, right[n_neuron + i]));
              next += here ? 1 : 0;
            }
            CHECK(same);
            CHECK(next == ids.size());
          }
        });
      }
    }
  }
}

TEST_CASE("a batch has the bits of single rows, whatever its size", "[linear][integer_gate]") {
  const std::size_t n_col = 320, n_neuron = 200;
  const auto values = quipu::test::random_values(n_neuron * n_col, 1);
  const linear::integer_gate gate(linear::store_plain(values.data(), n_neuron, n_col));
  const auto bytes = gate.bytes(quipu::thread_team(2));
  in_every_set([&](instruction_set set) {
    linear::workspace ws = workspace_of(set, 2);
    for (const std::size_t n_row : {2, 4, 33, 130}) {
      const auto x = quipu::test::random_values(n_row * n_col, n_row);
      linear::integer_row_buffer all, one;
      all.round(ws, {x.data(), n_row, n_col});
      const auto y = product(ws, *bytes, all.rows());
      for (std::size_t t = 0; t < n_row; ++t) {
        one.round(ws, {x.data() + t * n_col, 1, n_col});
        CHECK(product(ws, *bytes, one.rows()) ==
              std::vector<float>(y.begin() + static_cast<std::ptrdiff_t>(t * n_neuron),
                                 y.begin() + static_cast<std::ptrdiff_t>((t + 1) * n_neuron)));
      }
    }
  });
}

TEST_CASE("the largest numbers stay exact", "[linear][integer_gate]") {
  const std::size_t n_col = linear::largest_integer_columns, n_neuron = 17;
  const std::vector<float> values(n_neuron * n_col, 1.0f);
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> w = values, x(n_col, -1.0f);
    for (float& v : w) v *= sign;
    const linear::integer_gate gate(linear::store_plain(w.data(), n_neuron, n_col));
    const auto planes = gate.planes(quipu::thread_team(2));
    const auto bytes = gate.bytes(quipu::thread_team(2));
    const integers held(*bytes);
    in_every_set([&](instruction_set set) {
      linear::workspace ws = workspace_of(set, 2);
      linear::integer_row_buffer rows;
      rows.round(ws, {x.data(), 1, n_col}, activation_bits::sixteen, planes->dither.span());
      CHECK(held.sum(0, rows.rows()) ==
            static_cast<std::int64_t>(-sign) * 16 * 112 * 32639 * static_cast<std::int64_t>(n_col));
      CHECK(product(ws, *bytes, rows.rows()) == std::vector<float>(n_neuron, held.gate(0, rows.rows())));
      const float lowest[] = {-std::numeric_limits<float>::max()};
      linear::listed_gates list;
      estimate(ws, *planes, rows.rows(), {lowest}, linear::gate_certificate(1e-12), list);
      finish(ws, *planes, rows.rows(), list);
      CHECK(std::vector<float>(list.values().begin(), list.values().end()) == product(ws, *bytes, rows.rows()));
    });
  }
}

TEST_CASE("a row that is not finite makes every gate NaN and active, a row of zeros makes them 0",
          "[linear][integer_gate]") {
  const std::size_t n_col = 100, n_neuron = 50;
  const auto values = quipu::test::random_values(n_neuron * n_col, 1);
  const linear::integer_gate gate(linear::store_plain(values.data(), n_neuron, n_col));
  const auto bytes = gate.bytes(quipu::thread_team(2));
  const auto planes = gate.planes(quipu::thread_team(2));
  const float zero[] = {0.0f};
  const linear::gate_certificate sure(1e-12);
  in_every_set([&](instruction_set set) {
    linear::workspace ws = workspace_of(set, 2);
    linear::integer_row_buffer rows;
    linear::listed_gates list;
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      for (const std::size_t at : {0, 40, 99}) {
        auto x = quipu::test::random_values(n_col, 3);
        x[at] = bad;
        const auto& row = rows.round(ws, {x.data(), 1, n_col}, activation_bits::sixteen, planes->dither.span());
        CHECK(std::isnan(*row.scale));
        for (const float g : product(ws, *bytes, row)) CHECK(std::isnan(g));
        estimate(ws, *planes, row, {zero, {}, linear::at_threshold::inactive}, sure, list);
        finish(ws, *planes, row, list);
        CHECK(list.ids().size() == n_neuron);
        for (const float g : list.values()) CHECK(std::isnan(g));
      }
    }
    for (const float tiny : {0.0f, 1e-35f, -std::numeric_limits<float>::denorm_min()}) {
      const std::vector<float> x(n_col, tiny);
      const auto& row = rows.round(ws, {x.data(), 1, n_col}, activation_bits::sixteen, planes->dither.span());
      CHECK(*row.scale == 0);
      CHECK(product(ws, *bytes, row) == std::vector<float>(n_neuron));
      estimate(ws, *planes, row, {zero, {}, linear::at_threshold::inactive}, sure, list);
      CHECK(list.ids().empty());
      finish(ws, *planes, row, list);
      estimate(ws, *planes, row, {zero}, sure, list);  // 0 reaches the threshold 0
      CHECK(list.ids().size() == n_neuron);
    }
  });
}

}  // namespace quipu_integer_gate_test

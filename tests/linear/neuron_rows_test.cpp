// Rows of neurons and the loops over lists of them, against plain sums in double over the numbers that the rows hold.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/linear/neuron_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/unaligned.hpp>
#include <quipu/linear/neuron_kernels.hpp>

#include "support/random_weights.hpp"

namespace quipu_neuron_rows_test {

namespace linear = quipu::linear;
using linear::neuron_rows;
using linear::neuron_view;
using linear::row_form;
using quipu::tensor_type;
using quipu::test::random_values;

namespace {

/// A matrix as a file stores it. Random bytes are sound codes of K-quants, whose outer scales are made.
struct file_matrix {
  std::vector<std::byte> bytes;
  std::vector<double> wide;
  linear::stored_matrix w;

  file_matrix(tensor_type type, std::size_t rows, std::size_t cols, std::uint64_t seed) {
    const std::size_t stride = quipu::row_bytes(type, cols);
    bytes.resize(rows * stride);
    wide.resize(rows * cols);
    quipu::random_stream random(seed);
    std::vector<float> row(cols);
    for (std::size_t r = 0; r < rows; ++r) {
      std::byte* const to = bytes.data() + r * stride;
      if (quipu::io::can_quantise(type)) {
        for (float& v : row) v = static_cast<float>(0.05 * random.normal());
        quipu::io::quantise_row(type, row.data(), to, cols);
      } else {
        const std::size_t block = quipu::block_of(type).bytes, scale_at = type == tensor_type::q6_k ? 208 : 0;
        for (std::size_t i = 0; i < stride; ++i) to[i] = static_cast<std::byte>(random.below(256));
        for (std::size_t i = 0; i < stride; i += block) {
          for (std::size_t k = 0; k < (type == tensor_type::q6_k ? 1 : 2); ++k)
            quipu::io::store_unaligned(to + i + scale_at + 2 * k, quipu::float_to_f16_bits(static_cast<float>(1e-4 * random.normal())));
        }
      }
      quipu::io::dequantise_row(type, to, wide.data() + r * cols, cols);
    }
    w = {type, rows, cols, bytes.data(), stride, nullptr};
  }
};

/// What a row holds, read as the comments of `row_form` say.
double held_at(const neuron_view& v, std::size_t r, std::size_t k) {
  using quipu::io::load_unaligned;
  const std::byte* const row = v.row(r);
  const std::byte* const scale = row + linear::scales_at(v.form, v.cols) + k / 32 * 2;
  const auto half = [](const std::byte* at) { return double{quipu::f16_bits_to_float(load_unaligned<std::uint16_t>(at))}; };
  switch (v.form) {
    case row_form::f64: return load_unaligned<double>(row + 8 * k);
    case row_form::f32: return double{load_unaligned<float>(row + 4 * k)};
    case row_form::f16: return half(row + 2 * k);
    case row_form::bf16: return double{quipu::bf16_bits_to_float(load_unaligned<std::uint16_t>(row + 2 * k))};
    case row_form::q8: return half(scale) * load_unaligned<std::int8_t>(row + k);
    case row_form::q4: {
      const int both = load_unaligned<std::uint8_t>(row + k / 32 * 16 + k % 16);
      return half(scale) * ((k % 32 < 16 ? both & 15 : both >> 4) - 8);
    }
  }
  return 0;
}

template <class F>
void in_every_set(F&& f) {
  for (const auto set : quipu::instruction_sets) {
    if (!quipu::has_instruction_set(set)) continue;
    INFO(quipu::name_of(set));
    f(linear::neuron_kernels_for<float>(set));
  }
}

/// None, one, a few with gaps, and all or many in a row.
std::vector<std::vector<std::uint32_t>> lists_of(std::size_t d_ffn) {
  const auto n = static_cast<std::uint32_t>(d_ffn);
  std::vector<std::vector<std::uint32_t>> lists = {{}, {n / 2}, {}, {}};
  for (std::uint32_t i = 0; i < n; i += 1 + (i * 7 + n) % 13) lists[2].push_back(i);
  lists[2].resize(std::min<std::size_t>(lists[2].size(), 45));
  lists[3].resize(std::min<std::size_t>(n, 100));
  std::iota(lists[3].begin(), lists[3].end(), 0u);
  return lists;
}

template <class Scalar>
void check_loops(const linear::neuron_kernel_table<Scalar>& kernels, const neuron_view& v, double tolerance) {
  const auto x = random_values<Scalar>(v.cols, 11);
  for (const auto& list : lists_of(v.rows)) {
    const std::size_t n = list.size();
    std::vector<Scalar> out(n + 1, Scalar(-7)), y = random_values<Scalar>(v.cols, 12);
    const auto c = random_values<Scalar>(n, 13), before = y;
    kernels.dot(v, list.data(), n, x.data(), out.data());
    CHECK(out[n] == Scalar(-7));
    std::vector<double> sum(before.begin(), before.end()), size(v.cols);
    std::transform(before.begin(), before.end(), size.begin(), [](Scalar b) { return std::abs(static_cast<double>(b)); });
    double worst_dot = 0, worst_add = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double dot = 0, terms = 0;
      for (std::size_t k = 0; k < v.cols; ++k) {
        const double w = held_at(v, list[i], k), product = w * static_cast<double>(x[k]);
        dot += product;
        terms += std::abs(product);
        sum[k] += w * static_cast<double>(c[i]);
        size[k] += std::abs(w * static_cast<double>(c[i]));
      }
      worst_dot = std::max(worst_dot, std::abs(dot - static_cast<double>(out[i])) / (terms + 1e-30));
    }
    kernels.add(v, list.data(), n, c.data(), 0, v.cols, y.data());
    for (std::size_t k = 0; k < v.cols; ++k)
      worst_add = std::max(worst_add, std::abs(sum[k] - static_cast<double>(y[k])) / (size[k] + 1e-30));
    CHECK(worst_dot < tolerance);
    CHECK(worst_add < tolerance);
    if (n == 0) CHECK(y == before);
  }
}

// What a sum is does not depend on where lists or columns are cut.
void check_cuts(const linear::neuron_kernel_table<float>& kernels, const neuron_view& v) {
  std::vector<std::uint32_t> list(std::min<std::size_t>(v.rows, 29));
  std::iota(list.begin(), list.end(), 0u);
  std::reverse(list.begin(), list.end());
  const std::size_t n = list.size();
  const auto x = random_values<float>(v.cols, 21), c = random_values<float>(n, 22), start = random_values<float>(v.cols, 23);
  std::vector<float> dots(n), whole = start;
  kernels.dot(v, list.data(), n, x.data(), dots.data());
  kernels.add(v, list.data(), n, c.data(), 0, v.cols, whole.data());
  for (const std::size_t cut : {1, 2, 3, 5, 7, 8, 11}) {
    std::vector<float> pieces(n), y = start;
    for (std::size_t i = 0; i < n; i += cut) {
      const std::size_t count = std::min(cut, n - i);
      kernels.dot(v, list.data() + i, count, x.data(), pieces.data() + i);
      for (std::size_t first = 0; first < v.cols; first += 32 * cut)
        kernels.add(v, list.data() + i, count, c.data() + i, first, std::min(32 * cut, v.cols - first), y.data() + first);
    }
    CHECK(pieces == dots);
    CHECK(y == whole);
  }
}

void check_widen(const linear::neuron_kernel_table<float>& kernels, const neuron_view& v) {
  const std::size_t n = std::min<std::size_t>(v.rows, 9), from = v.rows - n, ld = v.cols + 3;
  std::vector<float> out(n * ld, -7.0f);
  kernels.widen(v, from, n, 0, v.cols, out.data(), ld);
  std::size_t n_wrong = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < ld; ++k)
      n_wrong += out[i * ld + k] != (k < v.cols ? static_cast<float>(held_at(v, from + i, k)) : -7.0f);
  }
  CHECK(n_wrong == 0);
  if (v.cols <= 64) return;
  std::vector<float> piece(37);
  kernels.widen(v, from, 1, 32, 37, piece.data(), 37);
  for (std::size_t k = 0; k < 37; ++k) n_wrong += piece[k] != out[32 + k];
  CHECK(n_wrong == 0);
}

/// Relative error of what a view holds against wide(neuron, column).
template <class Wide>
double relative_error(const neuron_view& v, Wide&& wide) {
  double error = 0, total = 0;
  for (std::size_t r = 0; r < v.rows; ++r) {
    for (std::size_t k = 0; k < v.cols; ++k) {
      const double w = wide(r, k), difference = w - held_at(v, r, k);
      error += difference * difference;
      total += w * w;
    }
  }
  return std::sqrt(error / total);
}

// Files store rows that are no whole number of blocks in a plain type.
tensor_type type_for(tensor_type type, std::size_t cols) {
  return cols % quipu::block_of(type).elements == 0 ? type : tensor_type::f32;
}

struct shape {
  std::size_t d_ffn, d_model;
};

constexpr tensor_type stored_types[] = {tensor_type::f32,  tensor_type::f16,  tensor_type::bf16, tensor_type::q8_0,
                                        tensor_type::q4_0, tensor_type::q4_1, tensor_type::q4_k, tensor_type::q6_k};
constexpr std::size_t widths_of_neurons[] = {1, 3, 17, 64, 100, 172, 1536};

void check_shape(tensor_type type, shape s) {
  const file_matrix up(type_for(type, s.d_model), s.d_ffn, s.d_model, 1), down(type_for(type, s.d_ffn), s.d_model, s.d_ffn, 2);
  INFO(quipu::name_of(up.w.type) << " and " << quipu::name_of(down.w.type) << ", " << s.d_ffn << " x " << s.d_model);
  const neuron_rows rows(up.w, down.w, quipu::thread_team(2));
  REQUIRE(rows.up().rows == s.d_ffn);
  REQUIRE(rows.down().cols == s.d_model);
  CHECK(reinterpret_cast<std::uintptr_t>(rows.up().data) % 64 == 0);
  CHECK(rows.up().stride % 64 == 0);
  CHECK(rows.down().data == rows.up().data + rows.up().row_bytes());
  CHECK(rows.report().n_byte == s.d_ffn * rows.up().stride);

  const double up_error = relative_error(rows.up(), [&](std::size_t r, std::size_t k) { return up.wide[r * s.d_model + k]; });
  const double down_error = relative_error(rows.down(), [&](std::size_t r, std::size_t k) { return down.wide[k * s.d_ffn + r]; });
  CHECK(rows.report().up_error == Approx(up_error).epsilon(1e-6).margin(1e-15));
  CHECK(rows.report().down_error == Approx(down_error).epsilon(1e-6).margin(1e-15));
  const bool keeps_up = !quipu::is_quantised(up.w.type) || up.w.type == tensor_type::q8_0 || up.w.type == tensor_type::q4_0;
  CHECK(up_error <= (keeps_up ? 0 : 0.008));
  CHECK(down_error <= (quipu::is_quantised(down.w.type) ? 0.008 : 0));

  in_every_set([&](const auto& kernels) {
    for (const neuron_view* v : {&rows.up(), &rows.down()}) {
      check_loops(kernels, *v, 1e-6);
      check_cuts(kernels, *v);
      check_widen(kernels, *v);
    }
  });
}

bool same_bytes(const neuron_rows& a, const neuron_rows& b) {
  if (a.report().n_byte != b.report().n_byte) return false;
  return std::memcmp(a.up().data, b.up().data, a.report().n_byte) == 0;
}

}  // namespace

TEST_CASE("sums over listed neurons are those of the numbers that the rows hold", "[linear][neuron_rows]") {
  for (const tensor_type type : stored_types) {
    for (const std::size_t d_ffn : widths_of_neurons) {
      for (const std::size_t d_model : {32, 64, 576}) check_shape(type, {d_ffn, d_model});
    }
    for (const std::size_t d_ffn : {3, 172}) check_shape(type, {d_ffn, 4096});
  }
  check_shape(tensor_type::q4_k, {1536, 4096});
}

TEST_CASE("plain rows may have any length", "[linear][neuron_rows]") {
  for (const tensor_type type : {tensor_type::f64, tensor_type::f32, tensor_type::f16, tensor_type::bf16}) {
    for (const std::size_t d_ffn : widths_of_neurons) {
      for (const std::size_t d_model : {1, 3, 17}) check_shape(type, {d_ffn, d_model});
    }
  }
}

TEST_CASE("rows longer than the scales widened at a time", "[linear][neuron_rows]") {
  const file_matrix up(tensor_type::q8_0, 17, 4096 + 4096 + 32, 1), down(tensor_type::f32, 4096 + 4096 + 32, 17, 2);
  const neuron_rows rows(up.w, down.w, quipu::thread_team(2), {.down = row_form::q4});
  in_every_set([&](const auto& kernels) {
    check_loops(kernels, rows.up(), 1e-6);
    check_cuts(kernels, rows.down());
    check_loops(kernels, rows.down(), 1e-6);
  });
}

TEST_CASE("rows of other forms can be asked for", "[linear][neuron_rows]") {
  for (const row_form form : {row_form::f64, row_form::f32, row_form::f16, row_form::bf16, row_form::q8, row_form::q4}) {
    for (const tensor_type type : {tensor_type::f64, tensor_type::f32, tensor_type::q8_0}) {
      const std::size_t d_ffn = 64, d_model = type == tensor_type::q8_0 ? 96 : 77;
      const file_matrix up(type, d_ffn, d_model, 1), down(type, d_model, d_ffn, 2);
      const neuron_rows rows(up.w, down.w, quipu::thread_team(2), {.up = form, .down = form});
      INFO(linear::name_of(form) << " of " << quipu::name_of(type));
      REQUIRE(rows.up().form == form);
      REQUIRE(rows.down().form == form);
      const double up_error = relative_error(rows.up(), [&](std::size_t r, std::size_t k) { return up.wide[r * d_model + k]; });
      const double down_error = relative_error(rows.down(), [&](std::size_t r, std::size_t k) { return down.wide[k * d_ffn + r]; });
      CHECK(rows.report().up_error == Approx(up_error).epsilon(1e-6).margin(1e-15));
      CHECK(rows.report().down_error == Approx(down_error).epsilon(1e-6).margin(1e-15));
      CHECK(down_error < (form == row_form::q4 ? 0.12 : form == row_form::q8 ? 0.008 : form == row_form::bf16 ? 0.003 : 0.0003));
      in_every_set([&](const auto& kernels) {
        check_loops(kernels, rows.up(), 1e-6);
        check_cuts(kernels, rows.down());
        check_widen(kernels, rows.down());
      });
    }
  }
}

TEST_CASE("in double all forms are walked in plain C++", "[linear][neuron_rows]") {
  const auto& kernels = linear::neuron_kernels_for<double>(quipu::best_instruction_set());
  for (const tensor_type type : {tensor_type::f64, tensor_type::f32, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0}) {
    const file_matrix up(type, 32, 96, 1), down(type, 96, 32, 2);
    const neuron_rows rows(up.w, down.w, quipu::thread_team(1));
    check_loops(kernels, rows.up(), 1e-14);
    check_loops(kernels, rows.down(), 1e-14);
  }
}

TEST_CASE("rows do not depend on the number of threads, nor on who watches", "[linear][neuron_rows]") {
  for (const tensor_type type : {tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_k}) {
    const file_matrix up(type, 1536, 256, 1), down(type, 256, 1536, 2);
    const neuron_rows one(up.w, down.w, quipu::thread_team(1));
    for (const std::size_t n_thread : {1, 2, 3, 7}) {
      std::vector<std::size_t> seen;
      const neuron_rows many(up.w, down.w, quipu::thread_team(n_thread), {}, [&](const quipu::progress_state& state) {
        CHECK(state.total == 1536);
        seen.push_back(state.done);
        return true;
      });
      CHECK(same_bytes(one, many));
      CHECK(one.report().down_error == many.report().down_error);
      CHECK(std::is_sorted(seen.begin(), seen.end()));
      REQUIRE(!seen.empty());
      CHECK(seen.back() == 1536);
    }
  }
}

TEST_CASE("a requantised block leaves no code at more than half a step", "[linear][neuron_rows]") {
  // Scales near and below the least binary16, and such that binary16 rounds down.
  for (const double size : {1e-9, 3e-8, 7.6e-6, 1e-3, 1.0, 300.0, 8e6}) {
    file_matrix up(tensor_type::f32, 1, 64, 1), down(tensor_type::f32, 64, 1, 2);
    for (std::size_t k = 0; k < 64; ++k) {
      down.wide[k] = static_cast<double>(static_cast<float>(size * std::sin(1.0 + static_cast<double>(k))));
      quipu::io::store_unaligned(down.bytes.data() + 4 * k, static_cast<float>(down.wide[k]));
    }
    const neuron_rows rows(up.w, down.w, quipu::thread_team(1), {.down = row_form::q8});
    for (std::size_t k = 0; k < 64; ++k) {
      const double step = size / 127 + std::ldexp(1.0, -24);  // scales below the normal ones are multiples of that
      CHECK(std::abs(held_at(rows.down(), 0, k) - down.wide[k]) <= 0.51 * step);
    }
  }
}

TEST_CASE("neuron rows refuse what they cannot hold", "[linear][neuron_rows]") {
  using Catch::Matchers::Contains;
  const quipu::thread_team team(2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [&](const file_matrix& up, const file_matrix& down, linear::neuron_row_options options, const char* why) {
    options.name = "layer 3";
    CHECK_THROWS_AS(neuron_rows(up.w, down.w, team, options), quipu::config_error);
    CHECK_THROWS_WITH(neuron_rows(up.w, down.w, team, options), Contains("layer 3") && Contains(why));
  };
  const file_matrix sound_up(tensor_type::f32, 300, 64, 1), sound_down(tensor_type::f32, 64, 300, 2);
  for (const tensor_type type : {tensor_type::f64, tensor_type::f32, tensor_type::f16, tensor_type::bf16, tensor_type::q8_0,
                                 tensor_type::q4_0, tensor_type::q4_1}) {
    INFO(quipu::name_of(type));
    file_matrix up(type, 300, 64, 1), down(type_for(type, 320), 64, 320, 2);
    std::vector<float> row(320, 0.5f);
    row[1] = nan;
    const auto spoil = [&](std::byte* at, std::size_t n) {
      quipu::io::quantise_row(type, row.data(), at, n);
      if (quipu::is_quantised(type)) quipu::io::store_unaligned(at, std::uint16_t{0x7c00});
    };
    spoil(up.bytes.data() + 299 * up.w.stride, 64);
    refused(up, sound_down, {}, "neuron 299 in up");
    const file_matrix wide_up(tensor_type::f32, 320, 64, 1);
    spoil(down.bytes.data() + 63 * down.w.stride, 320);
    refused(wide_up, down, {}, quipu::is_quantised(type) ? "neuron 0 in down" : "neuron 1 in down");
  }
  file_matrix large = sound_down;
  large.w.data = large.bytes.data();
  quipu::io::store_unaligned(large.bytes.data() + 4 * 7, 1e9f);
  refused(sound_up, large, {.down = row_form::f16}, "neuron 7 in down: expected numbers that f16 can hold");
  refused(sound_up, large, {.down = row_form::q8}, "neuron 7 in down: expected numbers that q8 can hold");
  refused(sound_up, large, {.down = row_form::q4}, "neuron 7 in down: expected numbers that q4 can hold");
  CHECK_NOTHROW(neuron_rows(sound_up.w, large.w, team, {.down = row_form::bf16}));
  refused(sound_up, sound_down, {.memory = 1000}, "memory for rows of neurons");
  CHECK_NOTHROW(neuron_rows(sound_up.w, sound_down.w, team, {.memory = linear::neuron_row_bytes(sound_up.w, sound_down.w)}));

  CHECK_THROWS_AS(neuron_rows(sound_up.w, sound_up.w, team), quipu::shape_error);
  CHECK_THROWS_AS(neuron_rows({}, {}, team), quipu::shape_error);
  linear::stored_matrix whole_numbers = sound_up.w;
  whole_numbers.type = tensor_type::i32;
  CHECK_THROWS_AS(neuron_rows(whole_numbers, sound_down.w, team), quipu::config_error);
  CHECK_THROWS_AS(neuron_rows(sound_up.w, sound_down.w, team, {}, [](const auto&) { return false; }), quipu::cancelled);
}

TEST_CASE("NaN and infinity of activations reach the sums", "[linear][neuron_rows]") {
  const file_matrix up(tensor_type::q8_0, 64, 64, 1), down(tensor_type::q8_0, 64, 64, 2);
  const neuron_rows rows(up.w, down.w, quipu::thread_team(1));
  const std::vector<std::uint32_t> list = {1, 5, 6};
  in_every_set([&](const auto& kernels) {
    std::vector<float> x(64, 1.0f), out(3), y(64, 0.0f);
    x[40] = std::numeric_limits<float>::quiet_NaN();
    kernels.dot(rows.up(), list.data(), 3, x.data(), out.data());
    for (const float v : out) CHECK(std::isnan(v));
    const std::vector<float> c = {1.0f, std::numeric_limits<float>::infinity(), 1.0f};
    kernels.add(rows.down(), list.data(), 3, c.data(), 0, 64, y.data());
    for (const float v : y) CHECK(!std::isfinite(v));
  });
}

}  // namespace quipu_neuron_rows_test

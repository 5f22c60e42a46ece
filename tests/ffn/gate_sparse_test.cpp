#include <quipu/ffn/gate_sparse.hpp>

#include <quipu/ffn/eigen_sparse.hpp>
#include <quipu/ffn/row_dense.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "support/sparse_problem.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
using quipu::instruction_set;
using quipu::tensor_type;
using quipu::test::far;
using quipu::test::same_bits;
using quipu::test::sparse_problem;
using quipu::test::watching_observer;

namespace {

std::vector<instruction_set> sets_here() {
  std::vector<instruction_set> all;
  for (const auto set : {instruction_set::portable, instruction_set::avx2, instruction_set::avx_vnni, instruction_set::avx512_vnni,
                         instruction_set::avx512_bf16}) {
    if (quipu::has_instruction_set(set)) all.push_back(set);
  }
  return all;
}

// Active sets and outputs against the oracle's. What lies within 1e-6 of its threshold may fall on either side.
template <class Kernel, class Oracle>
void check_against(sparse_problem& p, const Kernel& kernel, const Oracle& oracle) {
  const auto state = p.state_of(kernel);
  const auto expected_state = p.state_of(oracle);
  const auto expected = p.run(oracle, expected_state, watching_observer{}, {});
  for (const auto set : sets_here()) {
    const auto seen = p.run(kernel, state, watching_observer{}, {.n_thread = 2, .set = set});
    double largest = 1e-30;
    for (const float g : expected.gate) largest = std::max(largest, std::abs(static_cast<double>(g)));
    CHECK(far(seen.gate, expected.gate) < 1e-6);
    std::size_t near = 0;
    for (std::size_t i = 0; i < seen.gate.size(); ++i) {
      const std::size_t neuron = i % p.d_ffn;
      const float limit = state.limits.own.empty() ? state.limits.all : state.limits.own[neuron];
      if (std::abs(static_cast<double>(expected.gate[i]) - static_cast<double>(limit)) < 1e-6 * largest) {
        ++near;
        continue;
      }
      CHECK(state.limits.skips(neuron, seen.gate[i]) == state.limits.skips(neuron, expected.gate[i]));
    }
    if (near > 0) continue;  // one neuron more or less
    CHECK(far(seen.hidden, expected.hidden) < 1e-5);
    CHECK(far(seen.y, expected.y) < 1e-5);
    const auto prompt = p.run(kernel, state, watching_observer{}, {.n_prompt = p.n_row, .n_thread = 2, .set = set});
    CHECK(far(prompt.y, expected.y) < 1e-5);
    CHECK((state.bytes != nullptr ? same_bits(prompt.gate, seen.gate) : far(prompt.gate, seen.gate) < 1e-6));
  }
}

}  // namespace

TEST_CASE("the gate-first FFN equals the oracle in every type and shape", "[ffn][gate_sparse]") {
  using f = activation::fat_relu;
  for (const auto type : {tensor_type::f32, tensor_type::f16, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_k}) {
    const bool plain = quipu::block_of(type).elements == 1;
    for (const std::size_t d_model : {std::size_t{1}, std::size_t{3}, std::size_t{17}, std::size_t{32}, std::size_t{64}, std::size_t{576}}) {
      if (d_model % quipu::block_of(type).elements != 0) continue;
      for (const std::size_t d_ffn : {std::size_t{1}, std::size_t{3}, std::size_t{17}, std::size_t{64}, std::size_t{100}, std::size_t{172}}) {
        INFO(quipu::name_of(type) << " " << d_ffn << " x " << d_model);
        sparse_problem p(type, d_ffn, d_model, 3);
        p.with_bias = d_ffn % 2 == 0;
        const double threshold = p.threshold_for(0.3);
        check_against(p, ffn::gate_sparse<f>(f{threshold}), ffn::eigen_sparse<f>(f{threshold}));
        if (plain && d_model == 64)
          check_against(p, ffn::gate_sparse<f>(f{threshold}, {}, {.gate = ffn::gate_form::integer}),
                        ffn::eigen_sparse<f>(f{threshold}, {}, {.gate = ffn::gate_form::integer}));
      }
    }
  }
  sparse_problem wide(tensor_type::q8_0, 96, 4096, 2), tall(tensor_type::q8_0, 11008, 64, 1), middle(tensor_type::bf16, 1536, 576, 2);
  for (sparse_problem* p : {&wide, &tall, &middle}) {
    const double threshold = p->threshold_for(0.107);
    check_against(*p, ffn::gate_sparse<f>(f{threshold}), ffn::eigen_sparse<f>(f{threshold}));
  }
}

TEST_CASE("every activation that skips neurons", "[ffn][gate_sparse]") {
  const auto check = []<class F>(const F& f) {
    sparse_problem p(tensor_type::q8_0, 172, 64, 4);
    p.with_bias = true;
    check_against(p, ffn::gate_sparse<F>(f), ffn::eigen_sparse<F>(f));
    const ffn::row_dense<F> dense(f);
    const ffn::gate_sparse<F> sparse(f);
    const auto state = p.state_of(dense);
    for (const auto set : sets_here()) {
      CHECK(same_bits(p.run(dense, state, ffn::no_observer{}, {.set = set}).y, p.run(sparse, state, ffn::no_observer{}, {.set = set}).y));
    }
  };
  check(activation::relu{});
  check(activation::fat_relu{6.0});
  check(activation::shifted_relu{6.0});
  check(activation::relu_squared{});
  check(activation::drelu{});
}

TEST_CASE("rows, threads and observers change no bit", "[ffn][gate_sparse]") {
  using f = activation::fat_relu;
  for (const auto type : {tensor_type::q8_0, tensor_type::bf16, tensor_type::q4_0}) {
    sparse_problem p(type, 1536, 64, 33);
    const ffn::gate_sparse<f> kernel(f{p.threshold_for(0.2)});
    const auto state = p.state_of(kernel);
    for (const auto set : sets_here()) {
      const auto all = p.run(kernel, state, ffn::no_observer{}, {.set = set}).y;
      for (const std::size_t n_thread : {2, 3, 7}) CHECK(same_bits(p.run(kernel, state, ffn::no_observer{}, {.n_thread = n_thread, .set = set}).y, all));
      CHECK(same_bits(p.run(kernel, state, watching_observer{}, {.n_thread = 2, .set = set}).y, all));
      for (std::size_t t = 0; t < p.n_row; ++t) {
        const auto one = p.run(kernel, state, ffn::no_observer{}, {.first = t, .rows = 1, .set = set}).y;
        CHECK(std::memcmp(one.data(), all.data() + t * p.d_model, p.d_model * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("no neuron, all neurons, NaN and infinity", "[ffn][gate_sparse]") {
  using f = activation::fat_relu;
  sparse_problem p(tensor_type::q8_0, 172, 64, 2);
  p.with_bias = true;
  const ffn::gate_sparse<f> none(f{1e9});
  const auto y = p.run(none);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == 1.0f + p.down_bias[i % p.d_model]);

  std::fill(p.gate_bias.begin(), p.gate_bias.end(), 1e6f);
  const ffn::gate_sparse<activation::relu> all{};
  CHECK(far(p.run(all), p.run(ffn::eigen_sparse<activation::relu>{})) < 1e-5);

  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const auto form : {ffn::gate_form::stored, ffn::gate_form::integer}) {
      sparse_problem q(tensor_type::f32, 100, 64, 2);
      q.x[5] = bad;
      const ffn::gate_sparse<activation::relu> kernel({}, {}, {.gate = form});
      const auto state = q.state_of(kernel);
      for (const std::size_t n_prompt : {0, 2}) {
        const auto r = q.run(kernel, state, watching_observer{}, {.n_prompt = n_prompt}).y;
        for (std::size_t j = 0; j < q.d_model; ++j) CHECK_FALSE(std::isfinite(r[j]));
        for (std::size_t j = q.d_model; j < r.size(); ++j) CHECK(std::isfinite(r[j]));  // the other row
      }
    }
  }
}

TEST_CASE("thresholds for layers and neurons, and what is refused", "[ffn][gate_sparse]") {
  using f = activation::fat_relu;
  using Catch::Matchers::Contains;
  sparse_problem p(tensor_type::bf16, 100, 64, 3);
  std::vector<float> own(p.d_ffn);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<float>(i % 7) * 2.0f;
  const ffn::thresholds neurons{.of_neurons = {own}}, layers{.of_layers = {3.0}};
  check_against(p, ffn::gate_sparse<f>(f{}, neurons), ffn::eigen_sparse<f>(f{}, neurons));
  check_against(p, ffn::gate_sparse<f>(layers), ffn::eigen_sparse<f>(f{3.0}));

  const auto refused = [&](const ffn::thresholds& t, const char* words) {
    CHECK_THROWS_WITH(p.state_of(ffn::gate_sparse<f>(t)), Contains(words));
  };
  refused({.of_layers = {1, 2}}, "1, one a layer");
  refused({.of_neurons = {{1, 2}}}, "d_ffn = 100");
  refused({.of_layers = {std::numeric_limits<double>::infinity()}}, "finite numbers");
  refused({.of_neurons = {std::vector<float>(100, std::nanf(""))}}, "finite numbers");
  refused({.of_layers = {1}, .content_hash = p.content.hash() + 1}, "those of these weights");
  CHECK_NOTHROW(p.state_of(ffn::gate_sparse<f>(ffn::thresholds{.of_layers = {1}, .content_hash = p.content.hash()})));
}

namespace {

// A module at the gate: neurons 3 and 5 alone are active. What it makes of up and hidden counts for them.
struct gate_meddler {
  template <class In, class Out>
  void gate(const In&, const Out& out) const {
    for (std::size_t i = 0; i < out.cols(); ++i) out(0, i) = i == 3 || i == 5 ? 2.0f : -1.0f;
  }
  template <class In, class Out>
  void up(const In&, const Out& out) const {
    for (std::size_t i = 0; i < out.cols(); ++i) CHECK((out(0, i) != 0) == (i == 3 || i == 5));
    out(0, 3) = 7;
  }
  template <class Hidden>
  void hidden(const Hidden& h) const {
    CHECK(h(0, 3) == 14);
    h(0, 5) = 1;
  }
  template <class In, class Out>
  void down(const In& h, const Out&) const {
    CHECK(h(0, 5) == 1);
  }
};

}  // namespace

TEST_CASE("what observers change decides what is computed", "[ffn][gate_sparse]") {
  sparse_problem p(tensor_type::f32, 100, 64, 1);
  const ffn::gate_sparse<activation::relu> kernel{};
  const auto y = p.run(kernel, p.state_of(kernel), gate_meddler{}, {}).y;
  for (std::size_t j = 0; j < p.d_model; ++j)
    CHECK(y[j] == Approx(1 + 14 * p.down.wide[j * p.d_ffn + 3] + p.down.wide[j * p.d_ffn + 5]).epsilon(1e-5));
}

TEST_CASE("kernels of the same weights share what was laid out", "[ffn][gate_sparse]") {
  sparse_problem p(tensor_type::q8_0, 96, 64, 1);
  const auto first = p.state_of(ffn::gate_sparse<activation::relu>{});
  const auto second = p.state_of(ffn::row_dense<activation::relu>{});
  CHECK(first.rows == second.rows);
  CHECK(first.bytes == second.bytes);
  CHECK(first.report.n_byte > 0);
  CHECK(second.report.n_byte == 0);
  CHECK(first.report.up_error == 0);  // the file's own numbers
  CHECK(first.report.down_error > 0);
  CHECK(first.report.down_error < 0.01);
  CHECK(first.report.gate_error < 0.01);
}

#include <quipu/ffn/certified_sparse.hpp>

#include <quipu/ffn/gate_sparse.hpp>

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
using quipu::test::same_bits;
using quipu::test::sparse_problem;
using quipu::test::watching_observer;

namespace {

using fat_relu = activation::fat_relu;

// One token at a time, together, in a prompt and under an observer: the bits of the exact kernel with the same integers.
void check_certified(sparse_problem& p, const fat_relu& f, const ffn::thresholds& t, quipu::linear::activation_bits bits) {
  const ffn::sparse_options options{.gate = ffn::gate_form::integer, .bits = bits};
  const ffn::certified_sparse<fat_relu> certified(f, t, 1e-12, options);
  const ffn::gate_sparse<fat_relu> exact(f, t, options);
  const auto state = p.state_of(certified);
  const auto exact_state = p.state_of(exact);
  for (const auto set : {instruction_set::portable, instruction_set::avx2, instruction_set::avx_vnni, instruction_set::avx512_vnni,
                         instruction_set::avx512_bf16}) {
    if (!quipu::has_instruction_set(set)) continue;
    INFO(quipu::name_of(set) << (bits == quipu::linear::activation_bits::eight ? ", 8 bits" : ", 16 bits"));
    for (const std::size_t n_thread : {1, 2, 3, 7}) {
      for (std::size_t row = 0; row < p.n_row; ++row) {
        const auto o = sparse_problem::run_options{.first = row, .rows = 1, .n_thread = n_thread, .set = set};
        CHECK(same_bits(p.run(certified, state, ffn::no_observer{}, o).y, p.run(exact, exact_state, ffn::no_observer{}, o).y));
        CHECK(same_bits(p.run(certified, state, watching_observer{}, o).y, p.run(exact, exact_state, ffn::no_observer{}, o).y));
      }
    }
    for (const std::size_t n_prompt : {std::size_t{0}, p.n_row / 2, p.n_row}) {
      const auto o = sparse_problem::run_options{.n_prompt = n_prompt, .n_thread = 2, .set = set};
      CHECK(same_bits(p.run(certified, state, ffn::no_observer{}, o).y, p.run(exact, exact_state, ffn::no_observer{}, o).y));
    }
  }
}

}  // namespace

TEST_CASE("the certified FFN is bit-equal to the exact one", "[ffn][certified_sparse]") {
  for (const auto type : {tensor_type::q8_0, tensor_type::bf16}) {
    for (const std::size_t d_model : {32, 64, 576}) {
      for (const std::size_t d_ffn : {1, 3, 17, 100, 1536}) {
        INFO(quipu::name_of(type) << " " << d_ffn << " x " << d_model);
        sparse_problem p(type, d_ffn, d_model, 3);
        p.with_bias = d_ffn % 2 == 0;
        check_certified(p, fat_relu{p.threshold_for(0.107)}, {}, quipu::linear::activation_bits::sixteen);
      }
    }
  }
  sparse_problem p(tensor_type::q8_0, 172, 576, 12);  // more rows than are read plane by plane
  check_certified(p, fat_relu{0}, {}, quipu::linear::activation_bits::eight);
  std::vector<float> own(p.d_ffn);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<float>(i % 5) * 9.0f;
  check_certified(p, fat_relu{0}, {.of_neurons = {own}}, quipu::linear::activation_bits::sixteen);
}

TEST_CASE("every exact sparse kernel lets NaN through, the certified one too", "[ffn][certified_sparse]") {
  sparse_problem p(tensor_type::q8_0, 100, 64, 1);
  p.x[7] = std::numeric_limits<float>::quiet_NaN();
  for (const float v : p.run(ffn::certified_sparse<fat_relu>(fat_relu{5}))) CHECK(std::isnan(v));
}

TEST_CASE("a certified kernel finds the rows and integers of an exact one", "[ffn][certified_sparse]") {
  sparse_problem p(tensor_type::q8_0, 96, 64, 1);
  const auto exact = p.state_of(ffn::gate_sparse<activation::relu>{});
  const auto certified = p.state_of(ffn::certified_sparse<activation::relu>{});
  CHECK(exact.rows == certified.rows);
  CHECK(exact.gate == certified.gate);
  CHECK(certified.report.n_byte == certified.planes->n_byte());  // these alone are new
  CHECK(exact.report.gate_error == certified.report.gate_error);
  const auto again = p.state_of(ffn::certified_sparse<fat_relu>{});
  CHECK(again.planes == certified.planes);
  CHECK(again.report.n_byte == 0);
}

TEST_CASE("a delta that is no probability is refused", "[ffn][certified_sparse]") {
  sparse_problem p(tensor_type::q8_0, 32, 32, 1);
  for (const double delta : {0.0, 1.0, -1.0, std::nan("")}) {
    CHECK_THROWS_AS(p.state_of(ffn::certified_sparse<fat_relu>(fat_relu{}, {}, delta)), quipu::config_error);
  }
}

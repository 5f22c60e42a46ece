#include <quipu/ffn/per_layer.hpp>

#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/gate_sparse.hpp>

#include <vector>

#include <catch2/catch.hpp>

#include "support/sparse_problem.hpp"

namespace ffn = quipu::ffn;
using quipu::tensor_type;
using quipu::test::far;
using quipu::test::sparse_problem;

namespace {

using relu = quipu::activation::relu;
using kernel_type = ffn::per_layer<ffn::dense<relu>, ffn::gate_sparse<relu>, ffn::certified_sparse<relu>>;

}  // namespace

TEST_CASE("a layer has the last kernel that pays at its density", "[ffn][per_layer]") {
  sparse_problem p(tensor_type::q8_0, 96, 64, 2);
  const auto index = [&](std::vector<double> densities) { return p.state_of(kernel_type(std::move(densities))).choice().index; };
  CHECK(index({0.9}) == 0);
  CHECK(index({ffn::gate_sparse<relu>::pays_below}) == 0);
  CHECK(index({0.4}) == 1);
  CHECK(index({0.1}) == 2);
  const auto unknown = p.state_of(kernel_type{});
  CHECK(unknown.choice().index == 0);
  CHECK(unknown.choice().from == ffn::kernel_choice::source::none);
  CHECK_THROWS_AS(index({0.1, 0.2}), quipu::config_error);
  CHECK_THROWS_AS(index({1.5}), quipu::config_error);
}

TEST_CASE("it computes what the chosen kernel does", "[ffn][per_layer]") {
  sparse_problem p(tensor_type::q8_0, 96, 64, 2);
  CHECK(p.run(kernel_type(std::vector{0.9})) == p.run(ffn::dense<relu>{}));
  CHECK(p.run(kernel_type(std::vector{0.4})) == p.run(ffn::gate_sparse<relu>{}));
  CHECK(p.run(kernel_type(std::vector{0.1})) == p.run(ffn::certified_sparse<relu>{}));
}

TEST_CASE("densities that lie with a checkpoint are taken", "[ffn][per_layer]") {
  sparse_problem p(tensor_type::q8_0, 96, 64, 1);
  static const float density = 0.125f;
  quipu::io::checkpoint source;
  source.further[std::string(ffn::density_tensor_name)] = {tensor_type::f32, {1}, std::as_bytes(std::span(&density, 1))};
  const quipu::io::checkpoint_content content(std::move(source));
  const quipu::thread_team team(1);
  const kernel_type::state<float> state(kernel_type{}, p.weights(), ffn::place{0, p.config, content, team, p.progress, &p.forms});
  CHECK(state.choice().from == ffn::kernel_choice::source::checkpoint);
  CHECK(state.choice().density == 0.125);
  CHECK(state.choice().index == 2);
}

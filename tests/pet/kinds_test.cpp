// Gradients of every kind of module against central differences.
#include <quipu/pet/bottleneck.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/bitfit.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/ia3.hpp>
#include <quipu/pet/prefix.hpp>
#include <quipu/pet/prompt.hpp>

#include "support/modules.hpp"
#include "support/training.hpp"

namespace quipu_kinds_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using quipu::token_id;

namespace {

/// A small model with biases, so that no term of a gradient is zero by accident.
auto biased_model() { return test::exact_model<double>("biased"); }

llama::training_batch two_sequences(std::size_t n_virtual = 0, std::size_t position = 0) {
  const std::vector<token_id> ids = {5, 1, 17, 9, 30, 2, 8};
  llama::training_batch batch(n_virtual, position);
  batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  batch.add(std::span(ids).first(4), std::vector<std::int64_t>(ids.begin(), ids.begin() + 4));
  return batch;
}

template <class Policy>
void check_kind(const Policy& policy, double deviation = 0.2) {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = biased_model();
  pet::any_module<double> module(typename Policy::template module<double>(policy, m.config(), 5));
  llama::bind_base(module, m);
  test::shake(module, deviation);
  for (const auto depth : {llama::tape_depth::everything, llama::tape_depth::block_inputs}) {
    test::check_differences(m, module, two_sequences(module.n_virtual(), module.template prefix<double>().n_row),
                            depth);
  }
}

}  // namespace

TEST_CASE("IA3's gradients are its differences", "[pet][kinds]") {
  check_kind(pet::ia3{});
  check_kind(pet::ia3{.targets = optim::name_pattern::all()});
  check_kind(pet::ia3{.targets = optim::name_pattern::all(), .feedforward = optim::name_pattern::none()});
}

TEST_CASE("BitFit's gradients are its differences", "[pet][kinds]") { check_kind(pet::bitfit{}); }

TEST_CASE("prompt and prefix gradients are their differences", "[pet][kinds]") {
  check_kind(pet::prompt{.n_virtual = 3, .deviation = 0.5});
  check_kind(pet::prefix{.n_virtual = 3, .deviation = 0.5});
}

TEST_CASE("bottleneck gradients are their differences", "[pet][kinds]") {
  using placement = pet::bottleneck_placement;
  check_kind(pet::bottleneck<>{.size = 5});
  check_kind(pet::bottleneck<quipu::activation::relu>{.size = 5, .placement = placement::pfeiffer});
  check_kind(pet::bottleneck<>{.size = 5, .placement = placement::houlsby, .keeps_output = false});
}

TEST_CASE("new modules have no effect where they promise it", "[pet][kinds]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = biased_model();
  llama::training_pass pass(m, thread_team(2));
  llama::no_training_hooks plain;
  const auto batch = two_sequences();
  const double base = pass.loss(batch, plain).mean();
  const auto loss_with = [&](pet::any_module<double> module) {
    llama::bind_base(module, m);
    llama::module_hooks hooks(module, pass.workspace());
    return pass.loss(batch, hooks).mean();
  };
  CHECK(loss_with(pet::ia3::module<double>({}, m.config(), 1)) == Approx(base).epsilon(1e-14));
  CHECK(loss_with(pet::bitfit::module<double>({}, m.config(), 1)) == Approx(base).epsilon(1e-14));
  CHECK(loss_with(pet::bottleneck<>::module<double>({.size = 5}, m.config(), 1)) == Approx(base).epsilon(1e-14));
  CHECK(loss_with(pet::dora::module<double>({{.rank = 3, .targets = optim::name_pattern::all()}}, m.config(), 1)) ==
        Approx(base).epsilon(1e-12));
  CHECK(std::abs(loss_with(pet::bottleneck<>::module<double>({.size = 5, .keeps_output = false}, m.config(), 1)) -
                 base) > 1e-3);
}

namespace {

using dora_module = pet::dora::module<double>;

/// Adds to the gradients of A and B what they miss because the norms counted as constants:
/// dL/dn = -m dm / n, dn/dV = V / n, V = W + s B A.
void add_through_norms(
    const llama::model<test::silu_ffn, quipu::activations::f32, quipu::kv::exact, quipu::scalar::f64>& m,
    const dora_module& module) {
  using matrix = quipu::eigen_matrix<double>;
  for (std::size_t layer = 0; layer < m.config().n_layer; ++layer) {
    for (const auto site : quipu::linear::projection_sites) {
      const auto& t = module.at(layer, site);
      if (t.empty()) continue;
      const auto rows = static_cast<Eigen::Index>(t.d_out), cols = static_cast<Eigen::Index>(t.d_in),
                 rank = static_cast<Eigen::Index>(t.rank);
      const auto w = llama::linear_layer_of(m.weights().blocks[layer], site).w;
      matrix v(rows, cols);
      for (std::size_t r = 0; r < t.d_out; ++r)
        quipu::io::dequantise_row(w.type, w.row(r), v.data() + r * t.d_in, t.d_in);
      const Eigen::Map<const matrix> a(t.a, rank, cols), b(t.b, rows, rank);
      v += t.scale * b * a;
      const auto* magnitudes = optim::find(module.parameters(), pet::peft_name(t.name, ".lora_magnitude_vector"));
      REQUIRE(magnitudes != nullptr);
      matrix dv(rows, cols);
      for (Eigen::Index r = 0; r < rows; ++r)
        dv.row(r) = v.row(r) * (-magnitudes->gradient[r] * magnitudes->value[r] / v.row(r).squaredNorm());
      Eigen::Map<matrix>(t.da, rank, cols) += t.scale * b.transpose() * dv;
      Eigen::Map<matrix>(t.db, rows, rank) += t.scale * dv * a.transpose();
    }
  }
}

}  // namespace

TEST_CASE("DoRA's gradients are its differences but for the norms", "[pet][kinds]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = biased_model();
  const auto batch = two_sequences();
  for (const double dropout : {0.0, 0.3}) {
    INFO("dropout " << dropout);
    pet::dora policy{{.rank = 3, .alpha = 2, .dropout = dropout, .targets = optim::name_pattern::all()}};
    dora_module module(policy, m.config(), 5);
    llama::bind_base(module, m);
    test::shake(module, 0.1);
    test::check_differences(m, module, batch, llama::tape_depth::everything,
                            [](const std::string& name) { return name.find("magnitude") == std::string::npos; });
    // `check_differences` left the gradients of all parameters; complete and compare those of A and B.
    add_through_norms(m, module);
    llama::training_pass pass(m, thread_team(2));
    llama::module_hooks hooks(module, pass.workspace());
    hooks.train(3);
    test::compare_with_differences(pass, hooks, module, batch, [](const std::string&) { return false; });
  }
}

TEST_CASE("modules that read the base say so when nobody bound them", "[pet][kinds]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = biased_model();
  llama::training_pass pass(m, thread_team(2));
  const auto batch = two_sequences();
  dora_module module({{.rank = 2}}, m.config(), 1);
  llama::module_hooks hooks(module, pass.workspace());
  CHECK_THROWS_AS(pass.loss(batch, hooks), quipu::config_error);
  pet::ia3::module<double> factors({}, m.config(), 1);
  llama::module_hooks factor_hooks(factors, pass.workspace());
  CHECK_NOTHROW(pass.loss(batch, factor_hooks));
  CHECK_THROWS_AS(pass.step(batch, batch.n_counted(), factor_hooks, {}), quipu::config_error);
}

TEST_CASE("impossible settings are refused", "[pet][kinds]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto c = biased_model().config();
  CHECK_THROWS_AS(pet::prompt::module<float>({.n_virtual = 0}, c, 0), quipu::config_error);
  CHECK_THROWS_AS(pet::prefix::module<float>({.n_virtual = c.n_ctx}, c, 0), quipu::config_error);
  CHECK_THROWS_AS(pet::ia3::module<float>({.feedforward = optim::name_pattern::all()}, c, 0), quipu::config_error);
  CHECK_THROWS_AS(pet::bitfit::module<float>({optim::name_pattern::none()}, c, 0), quipu::config_error);
  CHECK_THROWS_AS(pet::bottleneck<>::module<float>({.size = 0}, c, 0), quipu::config_error);
  CHECK_NOTHROW(pet::bottleneck<>::module<float>({.size = 1}, c, 0));
}

}  // namespace quipu_kinds_test

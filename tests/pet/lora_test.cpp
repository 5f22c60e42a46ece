#include <quipu/pet/lora.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/module_hooks.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "support/modules.hpp"
#include "support/training.hpp"

namespace quipu_lora_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using quipu::token_id;

namespace {

template <class Scalar>
void check_steps(double tolerance) {
  const std::string name = "peft/lora_conpet";
  QUIPU_NEEDS(test::golden_case(name));
  const test::golden golden(name);
  const auto& settings = golden.json()["adamw"];
  const auto m = test::exact_model<Scalar>("gqa_tied_odd");
  auto module = pet::load_peft<pet::lora, Scalar>(golden.folder(), m.config());
  llama::training_pass pass(m, thread_team(2));
  llama::module_hooks hooks(module, pass.workspace());
  optim::updater<optim::adamw, Scalar> update({.learning_rate = settings["lr"].get<double>(),
                                               .eps = settings["eps"].get<double>(),
                                               .weight_decay = settings["weight_decay"].get<double>()},
                                              module.parameters(), thread_team(2));
  const auto shape = golden.shape("train.ids");
  for (std::size_t step = 0; step < shape[0]; ++step) {
    llama::training_batch batch;
    for (std::size_t row = 0; row < shape[1]; ++row) test::add_row(batch, golden, "train.", step * shape[1] + row, 0);
    update.zero_gradients();
    const auto loss = pass.step(batch, batch.n_counted(), hooks, {});
    CHECK(loss.mean() == Approx(settings["losses"][step].get<double>()).epsilon(tolerance));
    CHECK(update.gradient_norm() == Approx(settings["grad_norms"][step].get<double>()).epsilon(tolerance));
    update.step();
  }
  for (const auto& p : module.parameters()) {
    INFO(p.name);
    CHECK(test::max_abs_difference(std::span<const Scalar>(p.value, p.size()), golden.values("adamw." + p.name)) <
          tolerance);
  }
}

}  // namespace

TEST_CASE("five AdamW steps of LoRA end where PEFT's do", "[pet][lora]") {
  check_steps<double>(1e-10);
  check_steps<float>(5e-5);
}

TEST_CASE("LoRA's gradients are its differences, with dropout and through a quantised base", "[pet][lora]") {
  const auto path = test::golden_case("gguf") / "q4_1.gguf";
  QUIPU_NEEDS(path);
  const auto m = llama::load<test::silu_ffn, quipu::scalar::f64>(path.string());
  const std::vector<token_id> ids = {5, 1, 17, 9, 30, 2, 8};
  llama::training_batch batch;
  batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  batch.add(std::span(ids).first(4), std::vector<std::int64_t>(ids.begin(), ids.begin() + 4));
  for (const double dropout : {0.0, 0.3}) {
    pet::lora policy{.rank = 3,
                     .alpha = 2,
                     .dropout = dropout,
                     .targets = optim::name_pattern::all(),
                     .rank_pattern = {{"q_proj", 2}},
                     .alpha_pattern = {{"layers\\.0\\.mlp\\.up_proj", 7}}};
    pet::lora::module<double> module(policy, m.config(), 5);
    quipu::random_stream random(9);
    for (const auto& p : module.parameters()) {
      if (p.name.find("lora_B") != std::string::npos)
        std::generate_n(p.value, p.size(), [&] { return 0.2 * random.normal(); });
    }
    for (const auto depth : {llama::tape_depth::everything, llama::tape_depth::block_inputs}) {
      INFO("dropout " << dropout);
      test::check_differences(m, module, batch, depth);
    }
  }
}

TEST_CASE("LoRA starts without an effect, and dropout only works in training", "[pet][lora]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<double>("gqa_tied_odd");
  const test::golden golden("gqa_tied_odd");
  llama::training_pass pass(m, thread_team(2));
  llama::training_batch batch;
  test::add_row(batch, golden, "prompt_17.", 0, 0);
  llama::no_training_hooks plain;
  const double base = pass.loss(batch, plain).mean();
  pet::lora::module<double> module({.rank = 4, .dropout = 0.5, .targets = optim::name_pattern::all()}, m.config(), 1);
  llama::module_hooks hooks(module, pass.workspace());
  CHECK(pass.loss(batch, hooks).mean() == base);
  for (const auto& p : module.parameters()) p.value[0] = 0.5;
  const double changed = pass.loss(batch, hooks).mean();
  CHECK(changed != base);
  hooks.train(1);
  const double first = pass.loss(batch, hooks).mean();
  CHECK(first != changed);
  CHECK(pass.loss(batch, hooks).mean() == first);
  hooks.train(2);
  CHECK(pass.loss(batch, hooks).mean() != first);
  hooks.evaluate();
  CHECK(pass.loss(batch, hooks).mean() == changed);
}

TEST_CASE("impossible LoRA settings are refused", "[pet][lora]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<float>("gqa_tied_odd");
  const auto make = [&](const pet::lora& policy) { pet::lora::module<float> module(policy, m.config(), 0); };
  CHECK_THROWS_AS(make({.targets = optim::name_pattern::suffixes({"unknown"})}), quipu::config_error);
  CHECK_THROWS_AS(make({.rank = 0}), quipu::config_error);
  CHECK_THROWS_AS(make({.rank = 100000}), quipu::config_error);
  CHECK_THROWS_AS(make({.dropout = 1}), quipu::config_error);
  CHECK_NOTHROW(make({}));
}

}  // namespace quipu_lora_test

#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>

#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace test = quipu::test;
using quipu::thread_team;

namespace {

optim::adamw optimizer_of(const nlohmann::json& settings) {
  return {.learning_rate = settings["lr"].get<double>(),
          .beta1 = settings["betas"][0].get<double>(),
          .beta2 = settings["betas"][1].get<double>(),
          .eps = settings["eps"].get<double>(),
          .weight_decay = settings["weight_decay"].get<double>()};
}

/// Full-parameter steps on train.ids; returns the losses before each.
template <class Trainable>
std::vector<double> train(Trainable& trainable, const test::golden& golden, const nlohmann::json& settings,
                          std::vector<double>* norms) {
  using scalar = typename Trainable::scalar_type;
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), thread_team(2));
  optim::updater<optim::adamw, scalar> update(optimizer_of(settings), trainable.parameters(), thread_team(2));
  llama::no_training_hooks hooks;
  const double most =
      settings["clip"].is_null() ? std::numeric_limits<double>::infinity() : settings["clip"].get<double>();
  const auto shape = golden.shape("train.ids");
  std::vector<double> losses;
  for (std::size_t step = 0; step < shape[0]; ++step) {
    llama::training_batch batch;
    for (std::size_t row = 0; row < shape[1]; ++row) test::add_row(batch, golden, "train.", step * shape[1] + row, 0);
    update.zero_gradients();
    losses.push_back(pass.step(batch, batch.n_counted(), hooks, trainable.gradients()).mean());
    const double norm = update.gradient_norm();
    if (norms != nullptr) norms->push_back(norm);
    update.step(1, most, norm);
  }
  return losses;
}

}  // namespace

TEST_CASE("five clipped AdamW steps end where PyTorch's do", "[train][adamw]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::golden golden("gqa_tied_odd");
  const auto& settings = golden.json()["adamw"];
  auto exact = llama::thaw<double>(test::exact_model<double>("gqa_tied_odd"));
  std::vector<double> norms;
  const auto losses = train(exact, golden, settings, &norms);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CHECK(losses[i] == Approx(settings["losses"][i].get<double>()).epsilon(1e-9));
    CHECK(norms[i] == Approx(settings["grad_norms"][i].get<double>()).epsilon(1e-9));
  }
  for (const auto& p : exact.parameters()) {
    INFO(p.name);
    CHECK(test::max_abs_difference(std::span<const double>(p.value, p.size()), golden.values("adamw." + p.name)) <
          1e-6);
  }
  // In float, eps 1e-8 lets single weights differ: most must be close, as the set's README explains.
  auto single = llama::thaw<float>(test::exact_model<float>("gqa_tied_odd"));
  const auto float_losses = train(single, golden, settings, nullptr);
  for (std::size_t i = 0; i < losses.size(); ++i)
    CHECK(float_losses[i] == Approx(settings["losses"][i].get<double>()).epsilon(1e-4));
  std::size_t n = 0, n_far = 0;
  for (const auto& p : single.parameters()) {
    const auto reference = golden.values("adamw." + p.name);
    for (std::size_t i = 0; i < reference.size(); ++i)
      n_far += std::abs(static_cast<double>(p.value[i]) - reference[i]) > 1e-4;
    n += reference.size();
  }
  CHECK(static_cast<double>(n_far) < 0.02 * static_cast<double>(n));
}

TEST_CASE("twenty AdamW steps of a real model follow PyTorch's losses", "[train][adamw]") {
  const auto path = test::shared_root() / "data" / "models" / "stories260K" / "stories260K.bin";
  QUIPU_NEEDS(path);
  QUIPU_NEEDS(test::golden_case("stories260K"));
  const test::golden golden("stories260K");
  const auto& settings = golden.json()["train"];
  const auto check = [&](auto trainable, double tolerance) {
    const auto losses = train(trainable, golden, settings, nullptr);
    REQUIRE(losses.size() == settings["losses"].size());
    for (std::size_t i = 0; i < losses.size(); ++i) {
      INFO("step " << i);
      CHECK(std::abs(losses[i] - settings["losses"][i].get<double>()) < tolerance);
    }
  };
  check(llama::thaw<double>(llama::load<test::silu_ffn, quipu::scalar::f64>(path.string())), 1e-9);
  check(llama::thaw<float>(llama::load<test::silu_ffn>(path.string())), 1e-4);
}

#include <quipu/llama/training_pass.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace test = quipu::test;
using quipu::thread_team;

namespace {

const char* const gradient_cases[] = {"mha_untied", "gqa_tied_odd", "relu"};
const char* const loss_cases[] = {"mha_untied",  "gqa_tied_odd", "mqa_headdim", "llama3_rope",
                                  "linear_rope", "sharded_bf16", "biased",      "relu"};

template <class Scalar, class Call>
void with_trainable(const std::string& name, Call&& call) {
  if (name == "relu") {
    call(llama::thaw<Scalar>(test::exact_model<Scalar, test::relu_ffn>(name)));
  } else {
    call(llama::thaw<Scalar>(test::exact_model<Scalar, test::silu_ffn>(name)));
  }
}

template <class Scalar>
void check_gradients(const std::string& name, llama::tape_depth depth) {
  QUIPU_NEEDS(test::golden_case(name));
  const test::golden golden(name);
  with_trainable<Scalar>(name, [&](auto trainable) {
    trainable.select(optim::name_pattern::all());
    llama::training_pass pass(trainable.model(), thread_team(2), depth);
    llama::training_batch batch;
    test::add_row(batch, golden, "prompt_40.", 0, 0);
    llama::no_training_hooks hooks;
    const auto loss = pass.step(batch, batch.n_counted(), hooks, trainable.gradients());
    INFO(name);
    CHECK(loss.n_counted == golden.json()["prompt_40.labels_counted"].template get<std::size_t>());
    CHECK(loss.mean() ==
          Approx(golden.json()["prompt_40.loss"].template get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-12 : 1e-6));
    std::size_t n_compared = 0;
    for (const auto& p : trainable.parameters()) {
      const std::string reference = "grad." + p.name;
      INFO(reference);
      REQUIRE(golden.has(reference));
      CHECK(golden.shape(reference) == p.shape);
      CHECK(test::gradient_error<Scalar>({p.gradient, p.size()}, golden.values(reference)) <
            test::allowed_error<Scalar>(golden, reference));
      ++n_compared;
    }
    for (const auto& [tensor, view] : golden.tensors()) n_compared -= tensor.rfind("grad.", 0) == 0;
    CHECK(n_compared == 0);
  });
}

}  // namespace

TEST_CASE("gradients of all parameters equal PyTorch's in double", "[llama][training]") {
  for (const std::string name : gradient_cases) check_gradients<double>(name, llama::tape_depth::everything);
}

TEST_CASE("gradients of all parameters equal PyTorch's in float", "[llama][training]") {
  for (const std::string name : gradient_cases) check_gradients<float>(name, llama::tape_depth::everything);
}

TEST_CASE("products rounded to bf16 give PyTorch's gradients to two digits, where there are such products",
          "[llama][training]") {
  const bool rounds = quipu::linear::best_kernels().gemm_tiles_bf16 != nullptr;
  for (const std::string name : {"mha_untied", "gqa_tied_odd"}) {  // relu's slope jumps at zero: no measure of rounding
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_trainable<float>(name, [&](auto trainable) {
      trainable.select(optim::name_pattern::all());
      llama::training_pass pass(trainable.model(), thread_team(2), llama::tape_depth::everything,
                                quipu::linear::product_rounding::bf16);
      llama::training_batch batch;
      test::add_row(batch, golden, "prompt_40.", 0, 0);
      llama::no_training_hooks hooks;
      const auto loss = pass.step(batch, batch.n_counted(), hooks, trainable.gradients());
      CHECK(loss.mean() == Approx(golden.json()["prompt_40.loss"].template get<double>()).epsilon(2e-3));
      double worst = 0;
      for (const auto& p : trainable.parameters()) {
        INFO(name << ' ' << p.name);
        const double error = test::gradient_error<float>({p.gradient, p.size()}, golden.values("grad." + p.name));
        CHECK(error < (rounds ? 3e-2 : 1e-3));
        worst = std::max(worst, error);
      }
      CHECK((worst > 1e-4) == rounds);  // the switch is connected
    });
  }
}

TEST_CASE("recomputed blocks give PyTorch's gradients as well", "[llama][training]") {
  check_gradients<double>("gqa_tied_odd", llama::tape_depth::block_inputs);
}

TEST_CASE("losses of prompts and of a batch with ignored labels are transformers'", "[llama][training]") {
  for (const std::string name : loss_cases) {
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_trainable<double>(name, [&](const auto& trainable) {
      llama::training_pass pass(trainable.model(), thread_team(2));
      llama::no_training_hooks hooks;
      INFO(name);
      for (const std::string prompt : {"prompt_17", "prompt_40"}) {
        llama::training_batch batch;
        test::add_row(batch, golden, prompt + ".", 0, 0);
        CHECK(pass.loss(batch, hooks).mean() ==
              Approx(golden.json()[prompt + ".loss"].template get<double>()).epsilon(1e-12));
      }
      llama::training_batch batch;
      const auto lengths = golden.json()["batch.lengths"].template get<std::vector<std::size_t>>();
      for (std::size_t i = 0; i < lengths.size(); ++i) test::add_row(batch, golden, "batch.", i, lengths[i]);
      CHECK(pass.loss(batch, hooks).mean() ==
            Approx(golden.json()["batch.loss"].template get<double>()).epsilon(1e-12));
    });
  }
}

namespace {

template <class Scalar>
void check_stories(double tolerance) {
  const auto path = test::shared_root() / "data" / "models" / "stories260K" / "stories260K.bin";
  QUIPU_NEEDS(path);
  QUIPU_NEEDS(test::golden_case("stories260K"));
  const test::golden golden("stories260K");
  auto trainable = llama::thaw<Scalar>(llama::load<test::silu_ffn, quipu::scalar::of<Scalar>>(path.string()));
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), thread_team(2));
  llama::no_training_hooks hooks;
  llama::training_batch batch;
  for (std::size_t i = 0; i < golden.shape("gradient.ids")[0]; ++i) test::add_row(batch, golden, "gradient.", i, 0);
  const auto loss = pass.step(batch, batch.n_counted(), hooks, trainable.gradients());
  const auto& reference = golden.json()["gradient"];
  CHECK(loss.mean() == Approx(reference["loss"].template get<double>()).epsilon(tolerance));
  CHECK(reference["tensors"].size() == trainable.parameters().size());
  for (const auto& p : trainable.parameters()) {
    INFO(p.name);
    const auto& tensor = reference["tensors"].at(p.name);
    const std::span<const Scalar> gradient(p.gradient, p.size());
    const double norm = tensor["norm"].template get<double>();
    double sum = 0;
    for (const Scalar g : gradient) sum += static_cast<double>(g);
    CHECK(test::norm_of(gradient) == Approx(norm).epsilon(tolerance));
    CHECK(test::largest_of(gradient) == Approx(tensor["max_abs"].template get<double>()).epsilon(10 * tolerance));
    CHECK(std::abs(sum - tensor["sum"].template get<double>()) < 10 * tolerance * norm);
  }
}

}  // namespace

TEST_CASE("gradients of a real model have PyTorch's norms, sums and largest entries", "[llama][training]") {
  check_stories<double>(1e-9);
  check_stories<float>(2e-5);
}

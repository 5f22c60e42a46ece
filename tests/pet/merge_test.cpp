#include <quipu/llama/merge.hpp>

#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/pet/peft_folder.hpp>

#include "support/modules.hpp"
#include "support/training.hpp"

namespace quipu_merge_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;

namespace {

template <class Trainable>
auto bytes_of(const Trainable& m) {
  std::vector<std::vector<typename Trainable::scalar_type>> all;
  for (const auto& p : m.parameters()) all.emplace_back(p.value, p.value + p.size());
  return all;
}

template <class Model>
auto logits_of(const Model& m, const test::golden& golden) {
  llama::training_pass pass(m, thread_team(2));
  llama::no_training_hooks plain;
  llama::training_batch batch;
  test::add_row(batch, golden, "", 0, 0);
  return test::batch_logits(pass, batch, plain);
}

template <class Scalar>
void check_case(const std::string& name) {
  INFO(name << ", " << sizeof(Scalar) << " bytes");
  QUIPU_NEEDS(test::golden_case("peft/" + name));
  const test::golden golden("peft/" + name);
  const auto m = test::exact_model<Scalar>("gqa_tied_odd");
  {
    {
      auto module = pet::load_any_peft<Scalar>(golden.folder(), m.config());
      llama::bind_base(module, m);
      auto trainable = llama::thaw<Scalar>(m);
      const auto before = bytes_of(trainable);
      auto merged = llama::merge(trainable, module);
      CHECK(trainable.is_merged());
      CHECK(test::max_abs_difference(logits_of(merged.model(), golden), golden.values("logits_f64")) <
            (sizeof(Scalar) == 8 ? 1e-10 : 1e-4));
      std::size_t compared = 0;
      for (const auto& [tensor, facts] : golden.tensors()) {
        if (tensor.rfind("merged.", 0) != 0) continue;
        const auto* p = optim::find(trainable.parameters(), tensor.substr(7));
        REQUIRE(p != nullptr);
        CHECK(test::max_abs_difference(std::span<const Scalar>(p->value, p->size()), golden.values(tensor)) < 1e-6);
        ++compared;
      }
      if (golden.has("merged_logits")) {
        CHECK(compared > 0);
        CHECK(test::max_abs_difference(logits_of(merged.trainable().freeze(), golden), golden.values("merged_logits")) <
              1e-4);
      }
      CHECK(bytes_of(trainable) != before);
      const auto back = std::move(merged).unmerge();
      CHECK(bytes_of(back) == before);
      CHECK(!trainable.is_merged());
    }
  }
}

}  // namespace

TEST_CASE("a merged model does what model and module did, and comes apart exactly", "[pet][merge]") {
  for (const std::string name : {"lora_conpet", "lora_all", "rslora", "dora", "ia3"}) {
    check_case<double>(name);
    check_case<float>(name);
  }
}

TEST_CASE("merging works with biases and through a quantised base", "[pet][merge]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const test::golden golden("biased");
  const auto same = [&](const auto& m, pet::any_module<double> module) {
    llama::bind_base(module, m);
    test::shake(module, 0.1);
    llama::training_batch batch;
    test::add_row(batch, golden, "prompt_17.", 0, 0);
    llama::training_pass pass(m, thread_team(2));
    llama::module_hooks hooks(module, pass.workspace());
    const auto beside = test::batch_logits(pass, batch, hooks);
    const auto merged = llama::merge(llama::thaw<double>(m), module);
    llama::training_pass merged_pass(merged.model(), thread_team(2));
    llama::no_training_hooks plain;
    CHECK(test::max_abs_difference(test::batch_logits(merged_pass, batch, plain), beside) < 1e-9);
  };
  const auto everything = optim::name_pattern::all();
  const auto m = test::exact_model<double>("biased");
  same(m, pet::lora::module<double>({.rank = 3, .targets = everything}, m.config(), 1));
  same(m, pet::dora::module<double>({{.rank = 3, .targets = everything}}, m.config(), 1));
  same(m, pet::ia3::module<double>({.targets = everything}, m.config(), 1));
  same(m, pet::bitfit::module<double>({}, m.config(), 1));
  const auto path = test::golden_case("gguf") / "q4_1.gguf";
  QUIPU_NEEDS(path);
  const auto q = llama::load<test::silu_ffn, quipu::scalar::f64>(path.string());
  llama::training_batch batch;
  const std::vector<quipu::token_id> ids = {5, 1, 17, 9};
  batch.add(ids, {});
  pet::lora::module<double> module({.rank = 3, .targets = everything}, q.config(), 1);
  test::shake(module, 0.1);
  llama::training_pass pass(q, thread_team(2));
  llama::module_hooks hooks(module, pass.workspace());
  const auto beside = test::batch_logits(pass, batch, hooks);
  const auto merged = llama::merge(llama::thaw<double>(q), module);
  llama::training_pass merged_pass(merged.model(), thread_team(2));
  llama::no_training_hooks plain;
  CHECK(test::max_abs_difference(test::batch_logits(merged_pass, batch, plain), beside) < 1e-9);
}

TEST_CASE("misused merges are errors and leave the weights as they were", "[pet][merge]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<float>("gqa_tied_odd");
  auto trainable = llama::thaw<float>(m);
  const auto before = bytes_of(trainable);
  pet::lora::module<float> module({.rank = 2}, m.config(), 1);
  test::shake(module, 0.1);
  {
    auto merged = llama::merge(trainable, module);
    CHECK_THROWS_AS(llama::merge(trainable, module), quipu::config_error);
    static_cast<void>(std::move(merged).unmerge());
    CHECK_THROWS_AS(std::move(merged).unmerge(), quipu::config_error);
  }
  CHECK(bytes_of(trainable) == before);
  pet::bitfit::module<float> biases({}, m.config(), 1);
  CHECK_THROWS_WITH(llama::merge(trainable, biases), Catch::Matchers::Contains("without"));
  module.parameters()[1].value[0] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(llama::merge(trainable, module), quipu::numeric_error);
  CHECK(!trainable.is_merged());
  CHECK(bytes_of(trainable) == before);
}

}  // namespace quipu_merge_test

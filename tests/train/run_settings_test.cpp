// SPDX-License-Identifier: Apache-2.0
#include <quipu/train/run_settings.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/train/trainer.hpp>

#include "support/grouping_locale.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::token_id;

namespace {

/// A recipe, each line of which decides what comes out.
struct recipe {
  std::string base = "gqa_tied_odd";
  bool base_changed = false, dora = false, bf16 = false;
  std::uint64_t data = 4, seed = 11;
  std::size_t rank = 4, batch_size = 2, n_accumulate = 2, n_warm_up = 2;
  double learning_rate = 1e-2, beta2 = 0.999, weight_decay = 0.01, alpha = 8, dropout = 0.1, norm = 1;
  double label_weight = 1;
  std::string schedule = "cosine", loss, targets = "q_proj";
  std::vector<optim::parameter_group> groups = {};
};

struct named_schedule {
  std::string name;
  std::size_t n_warm_up = 0, n_step = 0;
  double operator()(std::size_t step) const {
    return name == "cosine" ? quipu::schedule::cosine{n_warm_up, n_step}(step)
                            : quipu::schedule::linear{n_warm_up, n_step}(step);
  }
};

struct named_loss : train::language_modelling {
  std::string name;
  [[nodiscard]] std::string identity() const { return name; }
};

train::example_list examples(std::size_t n_vocab, std::uint64_t seed, double weight) {
  quipu::random_stream random(seed);
  train::example_list all;
  for (int i = 0; i < 12; ++i) {
    train::example one;
    const auto below = static_cast<std::uint32_t>(n_vocab);
    for (int t = 0; t < 9; ++t) one.tokens.push_back(static_cast<token_id>(random.below(below)));
    one.labels.assign(one.tokens.begin(), one.tokens.end());
    one.weight = weight;
    all.push_back(std::move(one));
  }
  return all;
}

train::training_result go(const recipe& r, const std::string& folder, std::size_t stop_after, std::size_t n_step = 8) {
  auto m = test::exact_model<float>(r.base);
  if (r.base_changed) {  // the same shapes, one weight another
    const test::temp_folder copy;
    auto source = quipu::io::open_checkpoint(test::golden_case(r.base).string());
    auto& first = source.tensors.begin()->second;
    std::vector<std::byte> bytes(first.bytes.begin(), first.bytes.end());
    bytes.back() ^= std::byte{1};
    first.bytes = bytes;
    quipu::io::write_hf_folder(copy.file("m"), source);
    m = llama::load<test::silu_ffn, quipu::activations::f32, quipu::kv::exact>(copy.file("m"));
  }
  llama::training_pass pass(m, quipu::thread_team(1), llama::tape_depth::everything,
                            r.bf16 ? quipu::linear::product_rounding::bf16 : quipu::linear::product_rounding::none);
  const pet::lora lora{.rank = r.rank,
                       .alpha = r.alpha,
                       .dropout = r.dropout,
                       .targets = optim::name_pattern::suffixes({r.targets})};
  using any = pet::any_module<float>;
  any module = r.dora ? any(pet::dora::module<float>(pet::dora{lora}, m.config(), 3))
                      : any(pet::lora::module<float>(lora, m.config(), 3));
  llama::bind_base(module, m);
  llama::module_hooks hooks(module, pass.workspace());
  train::trainer_options options;
  options.n_step = n_step;
  options.batch_size = r.batch_size;
  options.n_accumulate = r.n_accumulate;
  options.max_gradient_norm = r.norm;
  options.seed = r.seed;
  options.folder = folder;
  options.resume = stop_after == 0;
  options.progress = [&](const train::step_report& s) { return s.step != stop_after; };
  named_loss loss;
  loss.name = r.loss;
  const optim::adamw adamw{.learning_rate = r.learning_rate, .beta2 = r.beta2, .weight_decay = r.weight_decay};
  train::trainer trainer(pass, module.parameters(), {}, adamw,
                         named_schedule{r.schedule, r.n_warm_up, 8}, options, r.groups, loss);
  return trainer.run(examples(m.config().n_vocab, r.data, r.label_weight), hooks);
}

}  // namespace

TEST_CASE("a run resumed with another setting is refused by the setting's name", "[train][run_settings]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::temp_folder folder;
  const std::string run = folder.file("run");
  CHECK_FALSE(go({}, run, 3).finished);
  const std::string before = test::read_bytes(run + "/last.safetensors"), log = test::read_bytes(run + "/log.jsonl");
  const std::vector<std::pair<std::string, std::function<void(recipe&)>>> changes = {
      {"base_model", [](recipe& r) { r.base_changed = true; }},
      {"data", [](recipe& r) { r.data = 5; }},
      {"learning_rate", [](recipe& r) { r.learning_rate = 2e-2; }},
      {"module.lora_alpha", [](recipe& r) { r.alpha = 16; }},
      {"module.r", [](recipe& r) { r.rank = 2; }},
      {"module.lora_dropout", [](recipe& r) { r.dropout = 0; }},
      {"objective", [](recipe& r) { r.loss = "another"; }},
      {"batch_size", [](recipe& r) { r.batch_size = 3; }},
      {"schedule", [](recipe& r) { r.schedule = "linear"; }},
      {"schedule", [](recipe& r) { r.n_warm_up = 3; }},
      {"seed", [](recipe& r) { r.seed = 12; }},
      {"module.use_dora", [](recipe& r) { r.dora = true; }},
      {"n_accumulate", [](recipe& r) { r.n_accumulate = 1; }},
      {"weight_decay", [](recipe& r) { r.weight_decay = 0; }},
      {"optimizer_numbers", [](recipe& r) { r.beta2 = 0.99; }},
      {"max_gradient_norm", [](recipe& r) { r.norm = 2; }},
      {"module.target_modules", [](recipe& r) { r.targets = "v_proj"; }},
      {"data", [](recipe& r) { r.label_weight = 0.5; }},
      {"products", [](recipe& r) { r.bf16 = true; }},
      {"parameter_groups",
       [](recipe& r) { r.groups = {{.which = optim::name_pattern::all(), .learning_rate_factor = 0.5}}; }},
  };
  for (const auto& [name, change] : changes) {
    recipe other;
    change(other);
    INFO(name);
    CHECK_THROWS_WITH(go(other, run, 0), Catch::Contains(name + " "));
    CHECK_THROWS_AS(go(other, run, 0), quipu::config_error);
    CHECK(test::read_bytes(run + "/last.safetensors") == before);
    CHECK(test::read_bytes(run + "/log.jsonl") == log);
  }
  recipe two;
  two.learning_rate = 0.5;
  two.seed = 1;
  CHECK_THROWS_WITH(go(two, run, 0), Catch::Contains("learning_rate '0.01', here '0.5'") &&
                                         Catch::Contains("seed '11', here '1'"));
  CHECK(go({}, run, 0, 10).finished);  // more steps of a schedule that goes on
}

TEST_CASE("a run that is resumed as it was ends as if never stopped, under any locale", "[train][run_settings]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::temp_folder folder;
  CHECK(go({}, folder.file("whole"), 100).finished);
  {
    const test::grouping_locale other;
    CHECK_FALSE(go({}, folder.file("parts"), 3).finished);
  }
  CHECK(go({}, folder.file("parts"), 0).finished);
  CHECK(test::read_bytes(folder.file("whole") + "/last.safetensors") ==
        test::read_bytes(folder.file("parts") + "/last.safetensors"));
}

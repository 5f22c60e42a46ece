#include <quipu/train/trainer.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_folder.hpp>
#include <quipu/text/tokenizer.hpp>

#include "support/temp_folder.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::token_id;

namespace {

std::filesystem::path earlier_finetune() {
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "earlier" / "finetune";
}

auto earlier_model() {
  return llama::load<quipu::activations::f32, quipu::kv::exact>((earlier_finetune() / "model.gguf").string());
}

std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  REQUIRE(in);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// The pairs as 03_finetune --plain puts them.
template <class Model>
train::example_list examples_of(const Model& m) {
  train::example_list examples;
  for (const auto& pair : lines_of(earlier_finetune() / "pairs.jsonl")) {
    auto answer = m.tokenizer().encode(pair["answer"].get<std::string>());
    answer.push_back(m.tokenizer().eos());
    examples.push_back(train::prompt_and_answer(
        quipu::text::encode_document(m.tokenizer(), pair["prompt"].get<std::string>() + "\n"), answer));
  }
  return examples;
}

std::string bytes_in(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Rounded sums differ between processors.
void check_near(const std::vector<float>& ours, const std::vector<float>& theirs) {
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) CHECK(ours[i] == Approx(theirs[i]).epsilon(1e-3).margin(1e-4));
}

/// What 03_finetune does with these settings, on a copy of the folder of the run.
struct earlier_run {
  test::temp_folder folder;
  decltype(earlier_model()) m = earlier_model();
  llama::training_pass<decltype(m)> pass{m, quipu::thread_team(1)};
  pet::lora::module<float> module{
      {.rank = 2, .alpha = 16, .dropout = 0.1, .targets = optim::name_pattern::suffixes({"q_proj", "v_proj"})},
      m.config(),
      7};
  llama::module_hooks<pet::lora::module<float>> hooks{module, pass.workspace()};

  earlier_run() { std::filesystem::copy(earlier_finetune() / "run", folder.path() / "run"); }

  train::training_result go_on(std::size_t n_step, std::size_t batch_size = 4, bool trust = true) {
    train::trainer trainer(pass, module.parameters(), {}, optim::adamw{.learning_rate = 1e-3},
                           quipu::schedule::cosine{5, 100},
                           train::trainer_options{.n_step = n_step,
                                                  .batch_size = batch_size,
                                                  .max_gradient_norm = 1,
                                                  .seed = 7,
                                                  .save_every = 50,
                                                  .folder = folder.file("run"),
                                                  .resume = true,
                                                  .trust_unrecorded = trust});
    return trainer.run(examples_of(m), hooks);
  }
};

}  // namespace

TEST_CASE("a run folder of an earlier version goes on to the same adapter", "[train]") {
  earlier_run run;
  const auto result = run.go_on(100);
  CHECK(result.step == 100);
  const auto log = lines_of(run.folder.path() / "run" / "log.jsonl"),
             whole = lines_of(earlier_finetune() / "log.jsonl");
  REQUIRE(log.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(log[i]["step"] == i + 1);
    for (const char* field : {"loss", "gradient_norm", "learning_rate_factor"})
      CHECK(log[i][field].get<double>() == Approx(whole[i][field].get<double>()).epsilon(1e-3));
    CHECK(log[i].size() == whole[i].size());
  }
  const quipu::io::safetensors_file ours(run.folder.file("run") + "/last.safetensors"),
      theirs((earlier_finetune() / "last.safetensors").string());
  CHECK(ours.metadata() == theirs.metadata());
  REQUIRE(ours.tensors().size() == theirs.tensors().size());
  for (const auto& [name, tensor] : theirs.tensors()) {
    CAPTURE(name);
    CHECK(ours.at(name).shape == tensor.shape);
    if (tensor.type == quipu::tensor_type::f32)
      check_near(quipu::io::values_of<float>(ours.at(name)), quipu::io::values_of<float>(tensor));
  }
}

TEST_CASE("the state of an earlier version is written back byte for byte", "[train]") {
  earlier_run run;
  CHECK(run.go_on(50).finished);  // nothing is left to do: the state is read alone
  train::run_state state;
  state.settings = {{"optimizer", "adamw"}, {"seed", "7"},       {"batch_size", "4"},
                    {"n_accumulate", "1"},  {"shuffle", "true"}, {"examples", "8"}};
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-3}, run.module.parameters(), quipu::thread_team(1));
  std::vector<optim::state_array> arrays;
  train::add_optimizer_arrays(arrays, update.state_arrays());
  const auto last = earlier_finetune() / "run" / "last.safetensors";
  train::load_run<float>(last.string(), run.module.parameters(), arrays, state, [](const auto&) {});
  CHECK(state.step == 50);
  train::save_run<float>(run.folder.file("again"), run.module.parameters(), arrays, state);
  CHECK(bytes_in(run.folder.file("again")) == bytes_in(last));
}

TEST_CASE("another run does not go on in the folder of an earlier version", "[train]") {
  earlier_run run;
  CHECK_THROWS_WITH(run.go_on(100, 2), Catch::Contains("batch_size"));
}

TEST_CASE("a run that recorded no hashes is not resumed unless it is trusted", "[train]") {
  earlier_run run;
  const std::string last = run.folder.file("run") + "/last.safetensors", before = bytes_in(last);
  CHECK_THROWS_WITH(run.go_on(100, 4, false), Catch::Contains("--trust-unrecorded") && Catch::Contains("base model"));
  CHECK(bytes_in(last) == before);
  CHECK(bytes_in(run.folder.file("run") + "/log.jsonl") == bytes_in(earlier_finetune() / "run" / "log.jsonl"));
}

TEST_CASE("an adapter of an earlier version loads", "[train]") {
  const auto m = earlier_model();
  const auto module = pet::load_peft<pet::lora, float>(earlier_finetune() / "adapter", m.config());
  CHECK(module.policy().rank == 2);
  CHECK(module.policy().alpha == 16);
  const quipu::io::safetensors_file last((earlier_finetune() / "last.safetensors").string());
  for (const auto& p : module.parameters()) {
    const auto values = quipu::io::values_of<float>(last.at(p.name));
    CHECK(std::equal(values.begin(), values.end(), p.value));
  }
}

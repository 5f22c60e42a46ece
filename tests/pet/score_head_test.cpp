#include <quipu/pet/score_head.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/lora.hpp>

#include "support/json_file.hpp"
#include "support/temp_folder.hpp"

namespace quipu_score_head_test {

namespace io = quipu::io;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;

namespace {

io::model_config tiny_config() {
  io::model_config c;
  c.d_model = 8, c.d_ffn = 12, c.n_layer = 2, c.n_head = 2, c.n_kv_head = 1, c.d_head = 4, c.n_vocab = 20, c.n_ctx = 16;
  return c;
}

}  // namespace

TEST_CASE("a head without a bias keeps it at zero, trains the rest, and grows without one", "[pet][score_head]") {
  pet::linear_head<float> head("score", 3, 8, 5, pet::head_bias::none);
  const pet::linear_head<float> usual("score", 3, 8, 5);
  CHECK(std::equal(head.weight().data, head.weight().data + sizeof(float) * 24, usual.weight().data));
  CHECK(std::any_of(usual.bias(), usual.bias() + 3, [](float b) { return b != 0; }));
  optim::updater<optim::adamw, float> update({.learning_rate = 0.1}, head.parameters(), thread_team(1));
  REQUIRE(update.parameters().size() == 1);
  std::fill_n(update.parameters()[0].gradient, 24, 1.0f);
  update.step();
  CHECK_FALSE(std::equal(head.parameters()[0].value, head.parameters()[0].value + 24, usual.parameters()[0].value));
  for (const auto& one : {head.grown(5, 9), pet::linear_head<float>(head.grown(4, 1))}) {
    CHECK(one.bias_kind() == pet::head_bias::none);
    CHECK(std::all_of(one.bias(), one.bias() + one.n_class(), [](float b) { return b == 0; }));
    CHECK(std::equal(head.parameters()[0].value, head.parameters()[0].value + 24, one.parameters()[0].value));
  }
}

TEST_CASE("a folder with a score head comes back, says what it is, and has no other tensors", "[pet][score_head]") {
  const auto c = tiny_config();
  const test::temp_folder folder;
  const pet::lora policy{.rank = 2, .alpha = 4};
  const pet::lora::module<float> module(policy, c, 1);
  const pet::linear_head<float> head("classifier", 3, c.d_model, 2, pet::head_bias::none);
  pet::save_score(folder.path() / "a", module, head, c, {.base_model = "base"});
  const auto json = test::read_json(folder.path() / "a" / "adapter_config.json");
  CHECK(json["task_type"] == "SEQ_CLS");
  CHECK(json["modules_to_save"] == nlohmann::json{"score"});
  CHECK(json["base_model_name_or_path"] == "base");
  const pet::peft_folder files(folder.path() / "a");
  CHECK(files.tensors().tensors().size() == module.parameters().size() + 1);
  const auto read = pet::load_score<float>(files, c);
  CHECK(read.n_class() == 3);
  CHECK(std::equal(read.parameters()[0].value, read.parameters()[0].value + 24, head.parameters()[0].value));
  CHECK(std::all_of(read.bias(), read.bias() + 3, [](float b) { return b == 0; }));
  const auto again = files.module<pet::lora, float>(c);  // the head is no tensor too many
  CHECK(std::equal(again.parameters()[0].value, again.parameters()[0].value + again.parameters()[0].size(), module.parameters()[0].value));
}

TEST_CASE("heads that transformers has no place for are refused, and folders without a fitting one", "[pet][score_head]") {
  const auto c = tiny_config();
  const test::temp_folder folder;
  const pet::lora::module<float> module({.rank = 2}, c, 1);
  const pet::linear_head<float> with_bias("classifier", 3, c.d_model, 2);
  CHECK_THROWS_WITH(pet::save_score(folder.path() / "b", module, with_bias, c), Catch::Contains("'classifier'") && Catch::Contains("no bias"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "b"));
  pet::save_peft(folder.path() / "none", module, c);
  CHECK_THROWS_AS(pet::load_score<float>(pet::peft_folder(folder.path() / "none"), c), quipu::format_error);
  const pet::linear_head<float> narrow("score", 3, 4, 2, pet::head_bias::none);
  pet::save_score(folder.path() / "narrow", module, narrow, c);
  CHECK_THROWS_WITH(pet::load_score<float>(pet::peft_folder(folder.path() / "narrow"), c), Catch::Contains("score.weight") && Catch::Contains("8"));
}

}  // namespace quipu_score_head_test

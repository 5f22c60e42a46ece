#include <quipu/conpet/learning_cost.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/conpet/dynamic_tuner.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/error.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "conpet/small_streams.hpp"
#include "support/temp_folder.hpp"

namespace quipu_learning_cost_test {

namespace conpet = quipu::conpet;
namespace pet = quipu::pet;
namespace test = quipu::test;

TEST_CASE("FLOPs of a training are those of each product counted one by one", "[conpet][learning_cost]") {
  quipu::io::model_config c;
  c.d_model = 8, c.d_ffn = 12, c.n_layer = 3, c.n_head = 4, c.n_kv_head = 2, c.d_head = 2, c.n_vocab = 50, c.n_ctx = 32;
  const pet::lora policy{.rank = 2, .targets = quipu::optim::name_pattern::regex("model\\.layers\\.[12]\\..*(q|v|down)_proj")};
  const pet::lora::module<float> module(policy, c, 1);
  const std::size_t n_step = 5, batch = 4, n_token = 7, n_class = 6;
  double n = 0;
  const auto product = [&](std::size_t rows, std::size_t d_out, std::size_t d_in, int passes) {
    for (std::size_t i = 0; i < rows * d_out * d_in; ++i) n += 2.0 * passes;  // a multiplication and an addition
  };
  const std::size_t rows = n_step * batch * n_token, rows_once = 20 * n_token;
  const std::size_t shapes[][2] = {{8, 8}, {4, 8}, {4, 8}, {8, 8}, {12, 8}, {12, 8}, {8, 12}};  // q k v o gate up down
  for (std::size_t layer = 0; layer < 3; ++layer) {
    for (const auto& s : shapes) product(layer == 0 ? rows_once : rows, s[0], s[1], layer == 0 ? 1 : 2);
  }
  std::size_t n_value = 0;
  for (const auto& p : module.parameters()) {
    product(rows, p.rows(), p.cols(), 3);
    n_value += p.size();
  }
  product(n_step * batch, n_class, 8, 3);
  std::vector<conpet::encoded_example> texts(20);
  for (auto& e : texts) e.tokens.resize(n_token);
  auto work = conpet::work_of(texts, 1, n_step, batch);
  CHECK(work.n_row == rows);
  CHECK(work.n_row_once == rows_once);
  work.n_module_parameter = n_value;
  work.n_head_parameter = n_class * 8;
  CHECK(conpet::training_flops(c, work) == n);
  work.first_block = 4;
  CHECK_THROWS_AS(conpet::training_flops(c, work), quipu::config_error);
}

TEST_CASE("stored bytes are those of the tensors that are written, memory and selector apart", "[conpet][learning_cost]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(2, 2);
  auto options = test::short_training();
  options.training.n_step = 4;
  using model = decltype(test::stories());
  conpet::dynamic_tuner<model> tuner(test::stories(), test::small_lora(), options);
  CHECK_THROWS_WITH(conpet::stored_cost(tuner), Catch::Contains("none yet"));
  std::size_t n_text_byte = 0;
  for (const auto& task : stream) {
    tuner.learn(task);
    for (const auto& t : task.train) n_text_byte += t.text.size();
    const auto cost = conpet::stored_cost(tuner);
    CHECK(cost.task == task.name);
    const test::temp_folder folder;
    const auto& who = tuner.tasks().back().who;
    pet::save_peft(folder.path() / "m", *who.module, tuner.core().config(), {.modules_to_save = {conpet::head_name}}, who.head->parameters());
    const pet::peft_folder written(folder.path() / "m");
    std::size_t n_byte = 0;
    for (const auto& [name, tensor] : written.tensors().tensors()) n_byte += tensor.bytes.size();
    CHECK(cost.n_module_byte + cost.n_head_byte == n_byte);
    const std::size_t d = tuner.core().config().d_model;
    CHECK(cost.n_head_byte == 4 * 2 * (d + 1));
    CHECK(cost.n_memory_byte == n_text_byte);
    CHECK(cost.n_selector_parameter == 0);
    CHECK(cost.n_selector_byte == 8 * (tuner.n_class() * (d + 1) + d * d));
  }
  conpet::dynamic_tuner<model, conpet::trained_selector> with_trained(test::stories(), test::small_lora(), options, conpet::trained_selector{.n_step = 4});
  conpet::static_tuner<model> one(test::stories(), test::small_lora(), options);
  for (const auto& task : stream) {
    with_trained.learn(task);
    one.learn(task);
  }
  const auto trained = conpet::stored_cost(with_trained), shared = conpet::stored_cost(one);
  CHECK(trained.n_selector_parameter == trained.n_module_parameter + 2 * (one.core().config().d_model + 1));
  CHECK(trained.n_selector_byte == 4 * trained.n_selector_parameter);
  CHECK(shared.n_head_parameter == 4 * (one.core().config().d_model + 1));
  CHECK(shared.n_selector_byte == 0);
}

}  // namespace quipu_learning_cost_test

#include <quipu/llama/initialise.hpp>

#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/llama2c_writer.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/train/trainer.hpp>

#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace io = quipu::io;
namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::token_id;

namespace {

io::model_config tiny() {
  io::model_config c;
  c.d_model = 32;
  c.d_ffn = 80;
  c.n_layer = 2;
  c.n_head = 4;
  c.n_kv_head = 2;
  c.d_head = 8;
  c.n_vocab = 40;
  c.n_ctx = 64;
  c.tied_embeddings = true;
  return c;
}

}  // namespace

TEST_CASE("a model trained from nothing learns a pattern and is written in every format", "[train]") {
  auto trainable = llama::initialise<float, test::silu_ffn>(tiny(), 7);
  trainable.select(optim::name_pattern::all());
  std::vector<token_id> text;
  for (std::size_t i = 0; i < 600; ++i) text.push_back(static_cast<token_id>((i * i + i / 7) % 20 + 10));
  const train::token_windows source(text, 33);
  llama::training_pass pass(trainable.model(), quipu::thread_team(2));
  llama::no_training_hooks hooks;
  train::trainer_options options;
  options.n_step = 60;
  options.batch_size = 4;
  options.max_gradient_norm = 1;
  train::trainer trainer(pass, trainable.parameters(), trainable.gradients(), optim::adamw{.learning_rate = 1e-2},
                         quipu::schedule::cosine{5, 60}, options);
  const double before = trainer.evaluate(source, hooks);
  CHECK(before == Approx(std::log(40.0)).epsilon(0.02));  // knows nothing: all tokens alike
  trainer.run(source, hooks);
  const double after = trainer.evaluate(source, hooks);
  CHECK(after < 0.7 * before);

  test::temp_folder folder;
  const io::checkpoint saved = llama::checkpoint_of(trainable);
  io::write_hf_folder(folder.path() / "hf", saved);
  io::write_llama2c(folder.file("model.bin"), saved, io::llama2c_version::v0);
  io::write_gguf(folder.file("model.gguf"), saved);
  for (const std::string name : {"hf", "model.bin", "model.gguf"}) {
    INFO(name);
    const auto m = llama::load<test::silu_ffn, quipu::activations::f32, quipu::kv::exact>(folder.file(name));
    llama::training_pass again(m, quipu::thread_team(2));
    llama::loss_sum loss;
    for (std::size_t i = 0; i < source.size(); ++i) {
      llama::training_batch batch;
      source.add(i, batch);
      loss += again.loss(batch, hooks);
    }
    CHECK(loss.mean() == Approx(after).epsilon(1e-6));
  }
}

TEST_CASE("new models are the same for the same seed, and impossible sizes are refused", "[train]") {
  const auto a = llama::initialise<float, test::silu_ffn>(tiny(), 1),
             b = llama::initialise<float, test::silu_ffn>(tiny(), 1);
  const auto other = llama::initialise<float, test::silu_ffn>(tiny(), 2);
  CHECK(a.parameters()[0].value[5] == b.parameters()[0].value[5]);
  CHECK(a.parameters()[0].value[5] != other.parameters()[0].value[5]);
  io::model_config c = tiny();
  c.n_kv_head = 3;
  CHECK_THROWS_AS((llama::initialise<float, test::silu_ffn>(c, 1)), quipu::config_error);
  c = tiny();
  c.d_head = 7;
  CHECK_THROWS_AS((llama::initialise<float, test::silu_ffn>(c, 1)), quipu::config_error);
  c = tiny();
  c.n_layer = 0;
  CHECK_THROWS_AS((llama::initialise<float, test::silu_ffn>(c, 1)), quipu::config_error);
}

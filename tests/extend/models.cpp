// A user's FFN kernel, sampler step, module and schedule in a model of the library.
#include <quipu/quipu.hpp>

#include <cmath>
#include <filesystem>

#include "ffn_kernel.hpp"
#include "pet_kind.hpp"
#include "require.hpp"
#include "sampler_step.hpp"
#include "schedule.hpp"
#include "storage.hpp"

namespace q = quipu;
using tokens = std::vector<q::token_id>;

namespace {

q::io::model_config config() {
  q::io::model_config c;
  c.d_model = 32, c.d_ffn = 80, c.n_layer = 2, c.n_head = 4, c.n_kv_head = 2, c.d_head = 8, c.n_vocab = 50, c.n_ctx = 64;
  return c;
}

template <class Model>
std::vector<float> logits_of(const Model& m, const tokens& ids) {
  q::llama::session s(m, q::thread_team(2));
  std::vector<float> all;
  const q::llama::sequence_input<float> in{s.create(), ids, {}, q::llama::logits_of::every_row};
  s.run({&in, 1}, [&](std::size_t, std::size_t, std::span<const float> l) { all.insert(all.end(), l.begin(), l.end()); });
  return all;
}

void check_ffn_kernel() {
  const auto dense = q::llama::initialise<float>(config(), 1, {}, q::ffn::dense<q::activation::relu>{}).freeze();
  const tokens ids = {1, 7, 3, 42, 5, 5, 9, 20};
  const auto close = [](const std::vector<float>& a, const std::vector<float>& b) {
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, std::abs(double(a[i]) - double(b[i])));
      largest = std::max(largest, std::abs(double(b[i])));
    }
    return worst <= 1e-5 * largest;
  };
  const auto sparse = q::llama::with_ffn(dense, extend::row_skipping{});
  require(close(logits_of(sparse, ids), logits_of(dense, ids)), "a kernel that skips rows computes what the dense one does");
  const auto shifted = q::llama::with_ffn(dense, extend::row_skipping{{}, {0.0, 0.05}});
  require(!close(logits_of(shifted, ids), logits_of(dense, ids)), "a threshold for each layer changes the result");
  bool refused = false;
  try {
    static_cast<void>(q::llama::with_ffn(dense, extend::row_skipping{{}, {0.1}}));
  } catch (const q::config_error&) {
    refused = true;
  }
  require(refused, "thresholds for another number of layers are refused");
}

void check_storage() {
  auto c = config();
  c.d_ffn = 96;  // whole blocks of 8 bits
  const auto trained = q::llama::initialise<float>(c, 1, {}, q::ffn::dense<q::activation::silu>{});
  const auto plain = q::llama::from_checkpoint<>(q::llama::checkpoint_of(trained));
  const auto light = q::llama::from_checkpoint<>(q::llama::checkpoint_of(trained), {}, extend::light_ffn{});
  const auto& block = light.weights().blocks[1];
  require(block.ffn.down.type == q::tensor_type::q8_0 && block.q.type == q::tensor_type::f32, "a user's storage chooses types by name");
  const tokens ids = {1, 7, 3, 42, 5, 5, 9, 20};
  const auto a = logits_of(light, ids), b = logits_of(plain, ids);
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(double(a[i]) - double(b[i])));
    largest = std::max(largest, std::abs(double(b[i])));
  }
  require(worst > 0 && worst < 0.02 * largest, "its model computes what 8 bits leave of the weights");
}

void check_sampler_step() {
  auto sampler = q::llama::sampler::best({extend::no_stutter{}});
  const std::vector<float> logits = {0.1f, 3.0f, 2.0f};
  const tokens history = {1};
  require(sampler(std::span<const float>(logits), {}) == 1, "the best token without a history");
  require(sampler(std::span<const float>(logits), history) == 2, "a user's step keeps the last token from being repeated");
}

void check_module() {
  const auto m = q::llama::initialise<float>(config(), 2, {}, q::ffn::dense<q::activation::silu>{}).freeze();
  using kinds = q::pet::kind_list<extend::output_gain, q::pet::lora>;
  using module = q::pet::any_module<float, kinds>;
  const auto folder = std::filesystem::temp_directory_path() / q::concat("quipu_extend_", ::getpid());
  extend::output_gain::module<float> made({}, m.config(), 0);
  for (const auto& p : made.parameters()) p.value[0] = 2;
  q::pet::save_peft((folder / "gain").string(), made, m.config());
  auto gain = std::make_shared<module>(q::pet::load_any_peft<float, kinds>((folder / "gain").string(), m.config()));
  require(q::pet::module_key(*gain) == q::pet::module_key(made), "a user's module comes back from a PEFT folder");

  auto other = std::make_shared<module>(q::pet::lora::module<float>({.rank = 2}, m.config(), 1));
  q::llama::training_pass pass(m, q::thread_team(2));
  q::llama::mixed_module_hooks<module> mixed({gain, other, nullptr}, pass.workspace());
  q::llama::training_batch batch;
  const tokens ids = {1, 7, 3, 42, 5};
  for (int i = 0; i < 3; ++i) batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  const double together = pass.loss(batch, mixed).sum;
  q::llama::module_hooks alone(*gain, pass.workspace());
  q::llama::training_batch one;
  one.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  q::llama::no_training_hooks none;
  const double apart = pass.loss(one, alone).sum + 2 * pass.loss(one, none).sum;  // new LoRA changes nothing
  require(std::abs(together - apart) < 1e-3, "it mixes with the library's modules in a batch");

  q::train::example_list examples;
  for (int i = 0; i < 4; ++i) examples.push_back(q::train::prompt_and_answer(tokens{1, 7}, tokens{3, 42, 5}));
  const double before = pass.loss(one, alone).sum;
  q::train::trainer trainer(pass, gain->parameters(), {}, q::optim::adamw{.learning_rate = 0.05}, extend::decades{20},
                            {.n_step = 30, .batch_size = 2});
  trainer.run(examples, alone);
  alone.evaluate();
  require(pass.loss(one, alone).sum < before, "it trains, by a user's schedule");
  std::filesystem::remove_all(folder);
}

}  // namespace

void check_models() {
  check_ffn_kernel();
  check_storage();
  check_sampler_step();
  check_module();
}

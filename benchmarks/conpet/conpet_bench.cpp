#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/any_policies.hpp>
#include <quipu/conpet/dynamic_tuner.hpp>
#include <quipu/conpet/pooled_classification.hpp>
#include <quipu/core/clock.hpp>
#include <quipu/core/random.hpp>
#include <quipu/data/intent_streams.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/lora.hpp>

#include "support/shared_path.hpp"

// What a continual learner does, on two threads, with texts of CLINC150 from the shared folder: a step of a head, a step of a module with and without
// cached rows, selectors, and a batch that ten modules share beside one pass of the base model. QUIPU_MODEL names a checkpoint; without it the model is
// stories260K from the shared folder.

namespace conpet = quipu::conpet;
namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;

namespace {

using model_type = decltype(llama::load<quipu::activations::f32, quipu::kv::exact>(std::string()));
using tuner_type = conpet::dynamic_tuner<model_type, conpet::any_selector>;
using pass_type = llama::training_pass<model_type>;

constexpr std::size_t n_task = 10, n_routed = 32, n_trained = 16;

const model_type& learner_base() {
  static const model_type m = [] {
    if (const char* path = std::getenv("QUIPU_MODEL")) return llama::load<quipu::activations::f32, quipu::kv::exact>(path);
    const auto folder = quipu::bench::shared_path("data/models/stories260K");
    return llama::load<quipu::activations::f32, quipu::kv::exact>((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.bin").string()});
  }();
  return m;
}

/// Ten domains, few texts of each class.
const quipu::data::task_stream& domains() {
  static const quipu::data::task_stream all = [] {
    auto stream = quipu::data::clinc150_stream(quipu::bench::shared_path("data/continual/clinc150").string());
    for (auto& task : stream.tasks) {
      std::vector<std::size_t> n(task.classes.size(), 0);
      std::erase_if(task.train, [&](const auto& t) { return ++n[t.label] > 4; });
      task.validation.clear();
    }
    return stream;
  }();
  return all;
}

bool is_ready(benchmark::State& state) {
  const bool there = std::filesystem::exists(quipu::bench::shared_path("data/continual/clinc150")) &&
                     (std::getenv("QUIPU_MODEL") != nullptr || std::filesystem::exists(quipu::bench::shared_path("data/models/stories260K")));
  if (!there) state.SkipWithError("needs CLINC150, and stories260K or QUIPU_MODEL, in the shared folder");
  return there;
}

/// The block that closed-form selectors read behind: a third of the model's.
std::size_t middle_block() { return std::max<std::size_t>(1, learner_base().config().n_layer / 3); }

/// Modules of 06_conpet on blocks from `first` on.
pet::lora modules_from(std::size_t first) {
  std::string blocks;
  for (std::size_t l = first; l < learner_base().config().n_layer; ++l) blocks += quipu::concat(blocks.empty() ? "" : "|", l);
  const std::string which = quipu::concat("model\\.layers\\.(", blocks, ")\\..*\\.(q_proj|v_proj|up_proj|down_proj)");
  return {.rank = 8, .alpha = 16, .targets = optim::name_pattern::regex(which)};
}

/// A learner of ten tasks. How well it learned them is of no interest here: one step each.
tuner_type& learner(bool is_trained, std::size_t first_block) {
  static std::map<std::pair<bool, std::size_t>, std::unique_ptr<tuner_type>> all;
  auto& one = all[{is_trained, first_block}];
  if (one) return *one;
  conpet::tuner_options options;
  options.n_thread = 2;
  options.training.n_step = 1;
  options.training.batch_size = 2;
  conpet::any_selector selector;
  if (is_trained) selector.held = conpet::trained_selector{.n_step = 1};
  one = std::make_unique<tuner_type>(learner_base(), modules_from(first_block), options, selector);
  for (const auto& task : domains()) one->learn(task);
  return *one;
}

/// Texts of all tasks in turn.
std::vector<conpet::encoded_example> mixed_texts(const tuner_type& tuner) {
  std::vector<conpet::encoded_example> all;
  for (std::size_t i = 0; i < n_routed; ++i) all.push_back(tuner.core().encode(domains().tasks[i % n_task].test[7 * i], i % n_task));
  return all;
}

std::size_t n_token_of(const std::vector<conpet::encoded_example>& texts) {
  std::size_t n = 0;
  for (const auto& e : texts) n += e.tokens.size();
  return n;
}

/// The head alone: loss and gradients of a batch of pooled states, and its update.
void head_step(benchmark::State& state) {
  if (!is_ready(state)) return;
  const std::size_t d_model = learner_base().config().d_model, n_class = static_cast<std::size_t>(state.range(0));
  pass_type pass(learner_base(), quipu::thread_team(2));
  pet::linear_head<float> head(conpet::head_name, n_class, d_model, 1);
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-2}, head.parameters(), pass.workspace().team());
  quipu::random_stream random(1);
  std::vector<float> pooled(n_trained * d_model), d_pooled(n_trained * d_model);
  for (float& v : pooled) v = static_cast<float>(random.normal());
  std::vector<std::int64_t> wanted(n_trained);
  for (std::size_t i = 0; i < n_trained; ++i) wanted[i] = static_cast<std::int64_t>(i % n_class);
  llama::head_loss<float> loss;
  for (auto _ : state) {
    update.zero_gradients();
    const auto p = head.parameters();
    benchmark::DoNotOptimize(loss.run(pass.projector(), pass.multiplier(), {head.weight(), p[0].gradient, p[1].value, p[1].gradient},
                                      {pooled.data(), n_trained, d_model}, wanted, 1.0 / n_trained, {d_pooled.data(), n_trained, d_model}));
    update.step(1, 1.0, update.gradient_norm());
  }
}

/// A step of a module and its head on sixteen texts. `caches`: rows below the modules are there from an earlier step; otherwise every step computes them.
void training_step(benchmark::State& state, std::size_t first_block, bool caches) {
  if (!is_ready(state)) return;
  conpet::tuner_options options;
  options.n_thread = 2;
  tuner_type tuner(learner_base(), modules_from(first_block), options);
  auto& core = tuner.core();
  const auto& task = domains().tasks[0];
  auto who = core.new_expert(task.classes.size(), "bench");
  llama::bind_base(*who.module, core.pass->model());
  llama::module_hooks hooks(*who.module, core.pass->workspace());
  const auto parameters = who.parameters();
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-3}, std::span<const optim::parameter<float>>(parameters), core.pass->workspace().team());
  const auto texts = core.encode(std::span(task.train).first(n_trained), 0);
  conpet::target_batch batch;
  for (const auto& e : texts) {
    batch.add(e.tokens, {});
    batch.texts.push_back(&e);
    batch.wanted.push_back(static_cast<std::int64_t>(e.label));
    batch.factors.push_back(1);
  }
  auto inputs = std::make_unique<conpet::cached_block_inputs<pass_type>>(*core.pass, core.inputs->layer());
  if (caches) inputs->fill(batch.texts);
  for (auto _ : state) {
    if (!caches) inputs = std::make_unique<conpet::cached_block_inputs<pass_type>>(*core.pass, core.inputs->layer());
    conpet::pooled_classification<pass_type> objective(*who.head, *inputs);
    update.zero_gradients();
    benchmark::DoNotOptimize(objective.step(*core.pass, batch, static_cast<double>(n_trained), hooks, llama::weight_gradients<float>()));
    update.step(1, 1.0, update.gradient_norm());
  }
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(n_token_of(texts)), benchmark::Counter::kIsIterationInvariantRate);
}

/// Which of ten tasks each of 32 texts belongs to, nothing cached.
void selector(benchmark::State& state, bool is_trained) {
  if (!is_ready(state)) return;
  tuner_type& tuner = learner(is_trained, middle_block());
  const auto texts = mixed_texts(tuner);
  for (auto _ : state) {
    conpet::cached_block_inputs<pass_type> inputs(*tuner.core().pass, tuner.core().inputs->layer());
    benchmark::DoNotOptimize(tuner.task_probabilities_of(texts, inputs, false));
  }
  state.counters["texts/s"] = benchmark::Counter(static_cast<double>(n_routed), benchmark::Counter::kIsIterationInvariantRate);
}

/// Answers to 32 texts of ten tasks, selector, modules and heads, in turn with one pass of the base model over the same texts. "base passes" is what the
/// answers cost in such passes, "modules" how many of the ten took part.
void mixed_batch(benchmark::State& state, bool is_trained, std::size_t first_block) {
  if (!is_ready(state)) return;
  tuner_type& tuner = learner(is_trained, first_block);
  auto& pass = *tuner.core().pass;
  const auto texts = mixed_texts(tuner);
  llama::training_batch batch;
  for (const auto& e : texts) batch.add(e.tokens, {});
  std::vector<std::size_t> used;
  double answers = 0, base = 0;
  for (auto _ : state) {
    const double begin = quipu::steady_seconds();
    llama::no_training_hooks none;
    benchmark::DoNotOptimize(pass.evaluate(batch, none));
    const double between = quipu::steady_seconds();
    const auto found = tuner.predict(texts, 0, false);
    const double end = quipu::steady_seconds();
    base += between - begin;
    answers += end - between;
    state.SetIterationTime(end - between);
    used.clear();
    for (const auto& a : found) used.push_back(a.task_index);
  }
  std::sort(used.begin(), used.end());
  state.counters["base passes"] = answers / base;
  state.counters["modules"] = static_cast<double>(std::unique(used.begin(), used.end()) - used.begin());
}

void step_all_blocks(benchmark::State& state) { training_step(state, 0, false); }
void step_upper_blocks(benchmark::State& state) { training_step(state, middle_block(), false); }
void step_upper_blocks_cached(benchmark::State& state) { training_step(state, middle_block(), true); }
void step_top_blocks_cached(benchmark::State& state) { training_step(state, 2 * middle_block(), true); }
void select_by_moments(benchmark::State& state) { selector(state, false); }
void select_trained(benchmark::State& state) { selector(state, true); }
void mixed_at_selectors_block(benchmark::State& state) { mixed_batch(state, false, middle_block()); }
void mixed_all_blocks(benchmark::State& state) { mixed_batch(state, false, 0); }
void mixed_trained_selector(benchmark::State& state) { mixed_batch(state, true, 0); }

BENCHMARK(head_step)->ArgName("classes")->Arg(15)->Arg(150)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(step_all_blocks)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_upper_blocks)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_upper_blocks_cached)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_top_blocks_cached)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(select_by_moments)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(select_trained)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(mixed_at_selectors_block)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(mixed_all_blocks)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(mixed_trained_selector)->Unit(benchmark::kMillisecond)->UseManualTime();

}  // namespace

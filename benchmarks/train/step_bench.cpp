// Whole training steps: SmolLM2 with LoRA on a 4-bit base, SmolLM2 in full, stories260K in full.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/lora.hpp>

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;

namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

llama::training_batch random_batch(std::size_t n_sequence, std::size_t n_token, std::size_t n_vocab) {
  quipu::random_stream random(1);
  llama::training_batch batch;
  for (std::size_t s = 0; s < n_sequence; ++s) {
    std::vector<quipu::token_id> ids(n_token);
    for (auto& id : ids) id = static_cast<quipu::token_id>(random.below(static_cast<std::uint32_t>(n_vocab)));
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  }
  return batch;
}

/// Multiply-adds count as two; layer matrices and head, forward and so often backward.
double matrix_flops(const quipu::io::model_config& c, const llama::training_batch& batch, double passes) {
  const double layer = static_cast<double>(c.d_model) * static_cast<double>(2 * c.d_q() + 2 * c.d_kv() + 3 * c.d_ffn);
  const double head = static_cast<double>(c.n_vocab) * static_cast<double>(c.d_model);
  return 2.0 * passes * (static_cast<double>(batch.n_row()) * static_cast<double>(c.n_layer) * layer + static_cast<double>(batch.n_counted()) * head);
}

void count(benchmark::State& state, const llama::training_batch& batch, double flops) {
  using benchmark::Counter;
  state.counters["tokens/s"] = Counter(static_cast<double>(batch.n_row()), Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void lora_step(benchmark::State& state, const std::string& path, const pet::lora& policy) {
  if (path.empty()) return state.SkipWithError("no model: set QUIPU_SMOLLM2");
  const auto m = llama::load<quipu::ffn::dense<quipu::activation::silu>>(path);
  const auto batch = random_batch(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)), m.config().n_vocab);
  llama::training_pass pass(m, quipu::thread_team(2));
  pet::lora::module<float> module(policy, m.config(), 0);
  llama::module_hooks hooks(module, pass.workspace());
  optim::updater<optim::adamw, float> update({}, module.parameters(), pass.workspace().team());
  const std::size_t n_counted = batch.n_counted();
  for (auto _ : state) {
    update.zero_gradients();
    benchmark::DoNotOptimize(pass.step(batch, n_counted, hooks, {}));
    update.step(1, 1.0, update.gradient_norm());
  }
  count(state, batch, matrix_flops(m.config(), batch, 2));
}

void full_step(benchmark::State& state, const std::string& path) {
  if (path.empty()) return state.SkipWithError("no model");
  auto trainable = llama::thaw<float>(llama::load<quipu::ffn::dense<quipu::activation::silu>>(path));
  trainable.select(optim::name_pattern::all());
  const auto& c = trainable.model().config();
  const auto batch = random_batch(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)), c.n_vocab);
  llama::training_pass pass(trainable.model(), quipu::thread_team(2));
  llama::no_training_hooks hooks;
  optim::updater<optim::adamw, float> update({}, trainable.parameters(), pass.workspace().team());
  const std::size_t n_counted = batch.n_counted();
  for (auto _ : state) {
    update.zero_gradients();
    benchmark::DoNotOptimize(pass.step(batch, n_counted, hooks, trainable.gradients()));
    update.step(1, 1.0, update.gradient_norm());
  }
  count(state, batch, matrix_flops(c, batch, 3));
}

// Independent multiply-adds on registers: what the two threads could do at best.
void fma_peak(benchmark::State& state) {
  const quipu::thread_team team(2);
  const auto tile = quipu::linear::best_kernels().gemm_tile_f32;
  std::vector<float> a(2 * 6 * 256, 1e-3f), b(2 * 16 * 256, 1e-3f), c(2 * 6 * 16);
  constexpr std::size_t rounds = 2000;
  for (auto _ : state) {
    team.parallel_for(2, 1, [&](std::size_t i, std::size_t, std::size_t) {
      for (std::size_t r = 0; r < rounds; ++r) tile(256, a.data() + i * 6 * 256, b.data() + i * 16 * 256, c.data() + i * 96, 16, false);
    });
  }
  state.counters["flop/s"] = benchmark::Counter(2.0 * 2 * rounds * 256 * 96, benchmark::Counter::kIsIterationInvariantRate);
}

void smollm2_lora_qk(benchmark::State& state) {
  lora_step(state, setting("QUIPU_SMOLLM2"), {.rank = 4, .alpha = 1, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj"})});
}
void smollm2_lora_all(benchmark::State& state) {
  lora_step(state, setting("QUIPU_SMOLLM2"), {.rank = 8, .alpha = 16, .targets = optim::name_pattern::all()});
}
void smollm2_full(benchmark::State& state) { full_step(state, setting("QUIPU_SMOLLM2")); }
void stories260k_full(benchmark::State& state) { full_step(state, setting("QUIPU_STORIES260K")); }

BENCHMARK(fma_peak)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(stories260k_full)->Args({8, 256})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smollm2_lora_qk)->Args({8, 64})->Args({2, 512})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smollm2_lora_all)->Args({8, 64})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smollm2_full)->Args({8, 64})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

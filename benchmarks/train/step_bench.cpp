#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/lora.hpp>

#include "support/shared_path.hpp"
#include "support/subject.hpp"

// Whole training steps on two threads: LoRA on a 4-bit base, and all weights. QUIPU_MODEL names a checkpoint;
// without it the weights are random, in SmolLM2's shape with two of its layers.

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;

namespace {

using quipu::bench::subject;

llama::training_batch random_batch(const benchmark::State& state, std::size_t n_vocab) {
  quipu::random_stream random(1);
  llama::training_batch batch;
  for (std::int64_t s = 0; s < state.range(0); ++s) {
    std::vector<quipu::token_id> ids(static_cast<std::size_t>(state.range(1)));
    for (auto& id : ids) id = static_cast<quipu::token_id>(random.below(static_cast<std::uint32_t>(n_vocab)));
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  }
  return batch;
}

/// Multiply-adds count as two; layer matrices and head, forward and so often backward.
double matrix_flops(const quipu::io::model_config& c, const llama::training_batch& batch, double passes) {
  const double layer = static_cast<double>(c.d_model) * static_cast<double>(2 * c.d_q() + 2 * c.d_kv() + 3 * c.d_ffn);
  const double head = static_cast<double>(c.n_vocab) * static_cast<double>(c.d_model);
  return 2.0 * passes *
         (static_cast<double>(batch.n_row()) * static_cast<double>(c.n_layer) * layer +
          static_cast<double>(batch.n_counted()) * head);
}

void count(benchmark::State& state, const llama::training_batch& batch, double flops) {
  using benchmark::Counter;
  state.counters["tokens/s"] = Counter(static_cast<double>(batch.n_row()), Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

template <class Pass, class Update, class Hooks>
void run(benchmark::State& state, Pass& pass, Update& update, Hooks& hooks,
         const llama::weight_gradients<float>& gradients, double passes) {
  const auto batch = random_batch(state, pass.model().config().n_vocab);
  const std::size_t n_counted = batch.n_counted();
  for (auto _ : state) {
    update.zero_gradients();
    benchmark::DoNotOptimize(pass.step(batch, n_counted, hooks, gradients));
    update.step(1, 1.0, update.gradient_norm());
  }
  count(state, batch, matrix_flops(pass.model().config(), batch, passes));
  state.counters["tape_bytes"] = static_cast<double>(pass.n_tape_byte());
}

void lora_step(benchmark::State& state, const pet::lora& policy,
               llama::tape_depth depth = llama::tape_depth::everything) {
  llama::training_pass pass(subject(), quipu::thread_team(2), depth);
  pet::lora::module<float> module(policy, subject().config(), 0);
  llama::module_hooks hooks(module, pass.workspace());
  optim::updater<optim::adamw, float> update({}, module.parameters(), pass.workspace().team());
  run(state, pass, update, hooks, {}, 2);
}

void full_step(benchmark::State& state, const llama::model<>& m) {
  auto trainable = llama::thaw<float>(m);
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), quipu::thread_team(2));
  llama::no_training_hooks hooks;
  optim::updater<optim::adamw, float> update({}, trainable.parameters(), pass.workspace().team());
  run(state, pass, update, hooks, trainable.gradients(), 3);
}

// The product's inner loop on cached operands: what two threads can do at best.
void peak(benchmark::State& state) {
  const quipu::thread_team team(2);
  const auto tile = quipu::linear::best_kernels().gemm_tile_f32;
  std::vector<float> a(2 * 6 * 256, 1e-3f), b(2 * 16 * 256, 1e-3f), c(2 * 128);
  constexpr std::size_t rounds = 2000;
  for (auto _ : state) {
    team.parallel_for(2, 1, [&](std::size_t i, std::size_t, std::size_t) {
      for (std::size_t r = 0; r < rounds; ++r)
        tile(256, a.data() + i * 6 * 256, b.data() + i * 16 * 256, c.data() + i * 128, 16, false);
    });
  }
  state.counters["flop/s"] =
      benchmark::Counter(2.0 * 2 * rounds * 256 * 96, benchmark::Counter::kIsIterationInvariantRate);
}

const pet::lora qk{.rank = 4, .alpha = 1, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj"})};

void lora_qk(benchmark::State& state) { lora_step(state, qk); }
void lora_qk_recomputed(benchmark::State& state) { lora_step(state, qk, llama::tape_depth::block_inputs); }
void lora_all(benchmark::State& state) {
  lora_step(state, {.rank = 8, .alpha = 16, .targets = optim::name_pattern::all()});
}
void full(benchmark::State& state) { full_step(state, subject()); }
void stories260k_full(benchmark::State& state) {
  const auto path = quipu::bench::shared_path("data/models/stories260K/stories260K.bin");
  if (!std::filesystem::exists(path)) return state.SkipWithError("needs stories260K.bin in the shared folder");
  full_step(state, llama::load<>(path.string()));
}

BENCHMARK(peak)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(stories260k_full)
    ->ArgNames({"sequences", "tokens"})
    ->Args({8, 256})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(lora_qk)
    ->ArgNames({"sequences", "tokens"})
    ->Args({8, 64})
    ->Args({2, 512})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(lora_qk_recomputed)
    ->ArgNames({"sequences", "tokens"})
    ->Args({8, 64})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(lora_all)->ArgNames({"sequences", "tokens"})->Args({8, 64})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(full)->ArgNames({"sequences", "tokens"})->Args({8, 64})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

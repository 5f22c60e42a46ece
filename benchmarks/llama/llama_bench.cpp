#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>

#include "support/random_checkpoint.hpp"

// Load, prefill and decode. QUIPU_MODEL names a checkpoint; without it the weights are random, in a shape
// with a quarter of SmolLM2's layers.

namespace {

namespace llama = quipu::llama;

const llama::model<>& subject() {
  static const llama::model<> m = [] {
    if (const char* path = std::getenv("QUIPU_MODEL")) return llama::load<>(path);
    quipu::io::model_config c;
    c.d_model = 576, c.d_ffn = 1536, c.n_layer = 8, c.n_head = 9, c.n_kv_head = 3, c.d_head = 64;
    c.n_vocab = 8192, c.n_ctx = 2048, c.tied_embeddings = true;
    return llama::from_checkpoint<>(quipu::bench::random_checkpoint(c, quipu::tensor_type::q4_1));
  }();
  return m;
}

std::vector<quipu::token_id> tokens(std::size_t n) {
  std::vector<quipu::token_id> ids(n);
  for (std::size_t i = 0; i < n; ++i)
    ids[i] = static_cast<quipu::token_id>((i * 7919 + 13) % subject().config().n_vocab);
  return ids;
}

void load(benchmark::State& state) {
  const char* path = std::getenv("QUIPU_MODEL");
  if (path == nullptr) return state.SkipWithError("needs a checkpoint in QUIPU_MODEL");
  for (auto _ : state) benchmark::DoNotOptimize(llama::load<>(path));
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

void prefill(benchmark::State& state) {
  llama::session s(subject(), quipu::thread_team(static_cast<std::size_t>(state.range(1))));
  const auto ids = tokens(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const auto sequence = s.create();
    benchmark::DoNotOptimize(s.next_logits(sequence, ids));
    s.erase(sequence);
  }
  const auto done = static_cast<double>(state.iterations()) * static_cast<double>(ids.size());
  state.counters["tokens/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["flop/s"] = benchmark::Counter(2.0 * static_cast<double>(subject().weights().n_parameter()) * done,
                                                benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}
BENCHMARK(prefill)
    ->ArgNames({"tokens", "threads"})
    ->Args({64, 2})
    ->Args({512, 1})
    ->Args({512, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void decode(benchmark::State& state) {
  llama::session s(subject(), quipu::thread_team(static_cast<std::size_t>(state.range(1))));
  const auto prompt = tokens(static_cast<std::size_t>(state.range(0)));
  const auto sequence = s.create();
  benchmark::DoNotOptimize(s.next_logits(sequence, prompt));
  const auto one = tokens(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.next_logits(sequence, one));
    s.truncate(sequence, prompt.size());
  }
  const auto n = static_cast<double>(state.iterations());
  state.counters["tokens/s"] = benchmark::Counter(n, benchmark::Counter::kIsRate);
  state.counters["bytes/s"] = benchmark::Counter(n * static_cast<double>(subject().weights().bytes_per_token()),
                                                 benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}
BENCHMARK(decode)
    ->ArgNames({"context", "threads"})
    ->Args({16, 1})
    ->Args({16, 2})
    ->Args({500, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/mixed_module_hooks.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/pet/lora.hpp>

#include "support/subject.hpp"

// A batch of 8 sequences: with one LoRA module for all, and with a module for each. QUIPU_MODEL names a
// checkpoint; without it the weights are random, in SmolLM2's shape with two of its layers.

namespace llama = quipu::llama;
namespace pet = quipu::pet;
using module_type = pet::lora::module<float>;

namespace {

using quipu::bench::subject;
constexpr std::size_t n_sequence = 8;

const std::vector<std::shared_ptr<module_type>>& modules() {
  static const auto all = [] {
    std::vector<std::shared_ptr<module_type>> made;
    for (std::size_t i = 0; i < n_sequence; ++i) {
      made.push_back(std::make_shared<module_type>(
          pet::lora{.rank = 4, .alpha = 1, .targets = quipu::optim::name_pattern::suffixes({"q_proj", "k_proj"})},
          subject().config(), i));
    }
    return made;
  }();
  return all;
}

std::vector<std::vector<quipu::token_id>> texts(std::size_t n_token) {
  quipu::random_stream random(1);
  std::vector<std::vector<quipu::token_id>> all(n_sequence, std::vector<quipu::token_id>(n_token));
  for (auto& ids : all) {
    for (auto& id : ids)
      id = static_cast<quipu::token_id>(random.below(static_cast<std::uint32_t>(subject().config().n_vocab)));
  }
  return all;
}

template <class Hooks>
void train(benchmark::State& state, llama::training_pass<llama::model<>>& pass, Hooks& hooks) {
  llama::training_batch batch;
  for (const auto& ids : texts(static_cast<std::size_t>(state.range(0))))
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  for (auto _ : state) benchmark::DoNotOptimize(pass.step(batch, batch.n_counted(), hooks, {}));
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(batch.n_row()), benchmark::Counter::kIsIterationInvariantRate);
}

template <class Hooks>
void decode(benchmark::State& state, llama::session<llama::model<>>& s, Hooks& hooks) {
  const auto prompts = texts(64), next = texts(1);
  std::vector<llama::sequence_input<float>> inputs;
  for (const auto& ids : prompts) inputs.push_back({s.create(), ids});
  const auto ignore = [](std::size_t, std::size_t, std::span<const float>) {};
  s.run(inputs, ignore, hooks);
  for (std::size_t i = 0; i < n_sequence; ++i) inputs[i].tokens = next[i];
  for (auto _ : state) {
    s.run(inputs, ignore, hooks);
    for (const auto& in : inputs) s.truncate(in.sequence, 64);
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(n_sequence), benchmark::Counter::kIsIterationInvariantRate);
}

void train_one(benchmark::State& state) {
  llama::training_pass pass(subject(), quipu::thread_team(2));
  llama::module_hooks hooks(*modules()[0], pass.workspace());
  train(state, pass, hooks);
}
void train_mixed(benchmark::State& state) {
  llama::training_pass pass(subject(), quipu::thread_team(2));
  llama::mixed_module_hooks<module_type> hooks(modules(), pass.workspace());
  train(state, pass, hooks);
}
void decode_one(benchmark::State& state) {
  llama::session s(subject(), quipu::thread_team(2));
  llama::module_hooks hooks(*modules()[0], s.workspace());
  decode(state, s, hooks);
}
void decode_mixed(benchmark::State& state) {
  llama::session s(subject(), quipu::thread_team(2));
  llama::mixed_module_hooks<module_type> hooks(modules(), s.workspace());
  decode(state, s, hooks);
}

BENCHMARK(train_one)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(train_mixed)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(decode_one)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(decode_mixed)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/ffn/gate_backward.hpp>
#include <quipu/llama/backward.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/optim/updater.hpp>

// Every layer forward and backward in SmolLM2's shapes, on two threads.

namespace linear = quipu::linear;
namespace llama = quipu::llama;
namespace optim = quipu::optim;
using quipu::matrix_view;

namespace {

constexpr std::size_t n = 512, d_model = 576, d_ffn = 1536, n_head = 9, n_kv_head = 3, d_head = 64;

std::vector<float> random_values(std::size_t count, std::uint64_t stream) {
  quipu::random_stream random(1, stream);
  std::vector<float> v(count);
  for (float& x : v) x = random.uniform() - 0.5f;
  return v;
}

linear::workspace& tools() {
  static linear::workspace ws{quipu::thread_team(2)};
  return ws;
}

void rate(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] = benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

void linear_forward(benchmark::State& state) {
  const auto x = random_values(n * d_model, 1), w = random_values(d_ffn * d_model, 2);
  std::vector<float> y(n * d_ffn);
  linear::multiplier<float> multiply(tools());
  for (auto _ : state) {
    multiply.product(linear::plain_operand<float>::along({x.data(), n, d_model}),
                     linear::plain_operand<float>::along({w.data(), d_ffn, d_model}), {y.data(), n, d_ffn},
                     linear::gemm_output::overwrite);
  }
  rate(state, "flop/s", 2.0 * n * d_ffn * d_model);
}
void linear_input_gradient(benchmark::State& state) {
  const auto dy = random_values(n * d_ffn, 1), w = random_values(d_ffn * d_model, 2);
  std::vector<float> dx(n * d_model);
  linear::multiplier<float> multiply(tools());
  for (auto _ : state) {
    multiply.input_gradient({dy.data(), n, d_ffn}, linear::store_plain(w.data(), d_ffn, d_model),
                            {dx.data(), n, d_model}, linear::gemm_output::overwrite);
  }
  rate(state, "flop/s", 2.0 * n * d_ffn * d_model);
}
void linear_weight_gradient(benchmark::State& state) {
  const auto dy = random_values(n * d_ffn, 1), x = random_values(n * d_model, 2);
  std::vector<float> dw(d_ffn * d_model);
  linear::multiplier<float> multiply(tools());
  for (auto _ : state) multiply.weight_gradient({dy.data(), n, d_ffn}, {x.data(), n, d_model}, dw.data());
  rate(state, "flop/s", 2.0 * n * d_ffn * d_model);
}

void rms_norm_backward(benchmark::State& state) {
  const auto x = random_values(n * d_model, 1), w = random_values(d_model, 2), dy = random_values(n * d_model, 3);
  std::vector<float> dx(n * d_model), dw(d_model);
  quipu::buffer<float> partial;
  for (auto _ : state) {
    llama::rms_norm_rows_backward<float>(tools(), {x.data(), n, d_model}, w.data(), 1e-5, {dy.data(), n, d_model},
                                         {dx.data(), n, d_model}, dw.data(), partial);
  }
  rate(state, "values/s", n * d_model);
}

void gate_backward(benchmark::State& state) {
  const auto gate = random_values(n * d_ffn, 1), up = random_values(n * d_ffn, 2), start = random_values(n * d_ffn, 3);
  std::vector<float> dh = start, du(n * d_ffn);
  for (auto _ : state) {
    quipu::ffn::gate_backward<float>(quipu::activation::silu{}, tools(), {gate.data(), n, d_ffn}, {up.data(), n, d_ffn},
                                     {dh.data(), n, d_ffn}, {du.data(), n, d_ffn}, {});
  }
  rate(state, "values/s", n * d_ffn);
}

struct attention_data {
  explicit attention_data(std::size_t n_token) {
    c.n_layer = 1, c.n_head = n_head, c.n_kv_head = n_kv_head, c.d_head = d_head;
    for (std::size_t first = 0; first < n; first += n_token) segments.push_back({segments.size(), first, n_token, 0});
  }
  quipu::io::model_config c;
  std::vector<llama::row_segment> segments;
  std::vector<float> q = random_values(n * n_head * d_head, 1), k = random_values(n * n_kv_head * d_head, 2),
                     v = random_values(n * n_kv_head * d_head, 3);
  std::vector<float> d_out = random_values(n * n_head * d_head, 4), out = std::vector<float>(q.size()),
                     sums = std::vector<float>(n * n_head);
  std::vector<float> dq = out, dk = std::vector<float>(k.size()), dv = dk;

  void forward(llama::batch_context<float>& context, const llama::attention_plan& plan) {
    const std::size_t d_q = c.d_q(), d_kv = c.d_kv();
    context.store<float>(tools(), 0, segments, {k.data(), n, d_kv}, {v.data(), n, d_kv});
    llama::attend<float>(tools(), c, context, 0, plan, {q.data(), n, d_q}, {out.data(), n, d_q}, sums.data());
  }
};
void attention_forward(benchmark::State& state) {
  attention_data a(static_cast<std::size_t>(state.range(0)));
  llama::batch_context<float> context(a.c, a.segments);
  const llama::attention_plan plan(a.segments);
  for (auto _ : state) a.forward(context, plan);
  // Two products over half the pairs
  rate(state, "flop/s", 2.0 * n * n_head * d_head * static_cast<double>(state.range(0) + 1));
}
void attention_backward(benchmark::State& state) {
  attention_data a(static_cast<std::size_t>(state.range(0)));
  llama::batch_context<float> context(a.c, a.segments);
  const llama::attention_plan plan(a.segments);
  a.forward(context, plan);
  const std::size_t d_q = a.c.d_q(), d_kv = a.c.d_kv();
  quipu::buffer<float> delta;
  for (auto _ : state) {
    llama::attention_backward<float>(tools(), a.c, context,
                                     {{a.q.data(), n, d_q},
                                      {a.out.data(), n, d_q},
                                      a.sums.data(),
                                      {a.d_out.data(), n, d_q},
                                      {a.dq.data(), n, d_q},
                                      {a.dk.data(), n, d_kv},
                                      {a.dv.data(), n, d_kv}},
                                     delta);
  }
  rate(state, "flop/s", 5.0 * n * n_head * d_head * static_cast<double>(state.range(0) + 1));
}

void head_and_loss(benchmark::State& state) {
  const std::size_t n_vocab = 8192;
  const auto h = random_values(n * d_model, 1), w = random_values(n_vocab * d_model, 2);
  std::vector<float> dh(n * d_model);
  std::vector<std::int64_t> targets(n, 17);
  linear::multiplier<float> multiply(tools());
  linear::projector<float> projector(tools(), linear::activation_rounding::none);
  llama::head_loss<float> loss;
  for (auto _ : state) {
    benchmark::DoNotOptimize(loss.run(projector, multiply, {linear::store_plain(w.data(), n_vocab, d_model)},
                                      {h.data(), n, d_model}, targets, 1.0 / n, {dh.data(), n, d_model}));
  }
  rate(state, "flop/s", 4.0 * n * static_cast<double>(n_vocab) * d_model);
}

void adamw(benchmark::State& state) {
  const std::size_t count = std::size_t{4} << 20;
  std::vector<float> value(count, 1.0f), gradient(count, 0.1f);
  const std::vector<optim::parameter<float>> set = {{"w", {count}, value.data(), gradient.data()}};
  const auto storage = state.range(0) == 8 ? optim::moment_storage::bits8 : optim::moment_storage::full;
  optim::updater<optim::adamw, float> update({.storage = storage}, set, tools().team());
  for (auto _ : state) update.step();
  rate(state, "values/s", static_cast<double>(count));
}

BENCHMARK(linear_forward)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(linear_input_gradient)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(linear_weight_gradient)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(rms_norm_backward)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(gate_backward)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(attention_forward)->ArgName("tokens")->Arg(64)->Arg(512)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(attention_backward)->ArgName("tokens")->Arg(64)->Arg(512)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(head_and_loss)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(adamw)->ArgName("moment_bits")->Arg(32)->Arg(8)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace

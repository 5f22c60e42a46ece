// FFN kernels on layers of random weights, one token: time, bytes that the kernel has to read, and their share of a plain loop's speed.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/eigen_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/row_dense.hpp>

#include "support/sparse_layers.hpp"

namespace {

using fat_relu = quipu::activation::fat_relu;
namespace ffn = quipu::ffn;
using quipu::tensor_type;

// With QUIPU_BENCH_MIB unset a small shape: as a test this is one pass.
std::size_t wanted_mib() {
  const char* value = std::getenv("QUIPU_BENCH_MIB");
  return value == nullptr ? 0 : std::strtoul(value, nullptr, 10);
}

// state.range: type, active neurons in a thousand
template <class Kernel>
void one_token(benchmark::State& state) {
  const auto type = static_cast<tensor_type>(state.range(0));
  const double density = static_cast<double>(state.range(1)) / 1000;
  const std::size_t mib = wanted_mib(), d_model = mib == 0 ? 256 : 4096, d_ffn = mib == 0 ? 704 : 11008;
  const std::size_t layer_bytes = 3 * d_ffn * quipu::row_bytes(type, d_model), n_layer = std::max<std::size_t>((mib << 20) / layer_bytes, 1);
  const quipu::thread_team team(2);
  quipu::linear::workspace ws(team);
  quipu::linear::projector<float> projector(ws, quipu::linear::activation_rounding::int16);
  projector.set_decode_rows(1);
  quipu::io::model_config config;
  config.d_model = d_model, config.d_ffn = d_ffn, config.n_layer = 1;
  const quipu::io::checkpoint_content content;
  const quipu::progress_callback progress;
  const quipu::bench::random_matrix gate(type, d_ffn, d_model, 1), up(type, d_ffn, d_model, 2), down(type, d_model, d_ffn, 3);
  const ffn::ffn_weights<float> w{gate.matrix(), up.matrix(), down.matrix()};
  const Kernel kernel(ffn::thresholds{.of_neurons = {quipu::bench::thresholds_of(gate.matrix(), std::vector{density})}});
  std::vector<std::unique_ptr<typename Kernel::template state<float>>> layers;
  for (std::size_t i = 0; i < n_layer; ++i)
    layers.push_back(std::make_unique<typename Kernel::template state<float>>(kernel, w, ffn::place{0, config, content, team, progress}));
  quipu::random_stream stream(5);
  constexpr std::size_t n_input = 16;
  std::vector<float> x(n_input * d_model), y(d_model), buffers(3 * d_ffn);
  for (float& v : x) v = static_cast<float>(stream.normal());
  const ffn::ffn_buffers<float> b{{buffers.data(), 1, d_ffn}, {buffers.data() + d_ffn, 1, d_ffn}, {buffers.data() + 2 * d_ffn, 1, d_ffn}};
  std::size_t i = 0;
  for (auto _ : state) {
    kernel.forward(*layers[i % n_layer], w, ws, projector, quipu::matrix_view<const float>(x.data() + i % n_input * d_model, 1, d_model), b,
                   quipu::matrix_view<float>(y.data(), 1, d_model), ffn::no_observer{});
    ++i;
  }
  benchmark::DoNotOptimize(y.data());
  state.counters["layers/s"] = benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  const double one = static_cast<double>(layer_bytes) / 3;
  state.counters["B/s of gate and active rows"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * one * (1 + 2 * density), benchmark::Counter::kIsRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  for (const auto type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::bf16}) {
    for (const int density : {50, 107, 300}) b->Args({static_cast<int>(type), density});
  }
}

BENCHMARK(one_token<ffn::row_dense<fat_relu>>)->Apply(shapes)->UseRealTime();
BENCHMARK(one_token<ffn::gate_sparse<fat_relu>>)->Apply(shapes)->UseRealTime();
BENCHMARK(one_token<ffn::certified_sparse<fat_relu>>)->Apply(shapes)->UseRealTime();
BENCHMARK(one_token<ffn::eigen_sparse<fat_relu>>)->Args({static_cast<int>(tensor_type::q8_0), 107})->UseRealTime();

}  // namespace

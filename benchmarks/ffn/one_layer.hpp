/// @file One token through the FFN of a layer by any kernel: time, bytes, their share of a plain loop's speed, arithmetic.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/linear/pack_matrix.hpp>
#include <quipu/linear/project.hpp>

#include "support/plain_reader.hpp"
#include "support/sparse_layers.hpp"

namespace ffn_bench {

namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
using quipu::tensor_type;

/// MiB that weights rotate through, from QUIPU_BENCH_MIB (2048 for figures); 0, of a smoke test: one layer of a small shape.
inline std::size_t wanted_mib() {
  const char* value = std::getenv("QUIPU_BENCH_MIB");
  return value == nullptr ? 0 : std::strtoul(value, nullptr, 10);
}

struct shape {
  std::string_view name;
  std::size_t d_model, d_ffn;
};
inline constexpr shape shapes[] = {{"LLaMA2-7B", 4096, 11008}, {"LLaMA2-13B", 5120, 13824}, {"Mistral-7B", 4096, 14336}, {"SmolLM2-135M", 576, 1536}};
inline constexpr shape small_shape = {"small", 256, 704};

/// What a kernel of the layer is made from.
struct layer_source {
  ffn::thresholds thresholds;  ///< at which `density` of the neurons are active
  double density;
  double gate_deviation;  ///< of the gate's values
};

/// Bytes a millisecond that a plain loop reads in this process, the median of five stretches.
inline double plain_rate(const quipu::thread_team& team) {
  static const double rate = [&] {
    const std::size_t n_byte = std::size_t{wanted_mib() == 0 ? 8u : 256u} << 20;
    quipu::bench::plain_reader reader(team, n_byte, 2 * n_byte);
    std::vector<double> times(5);
    for (double& t : times) t = reader.milliseconds();
    std::nth_element(times.begin(), times.begin() + 2, times.end());
    return static_cast<double>(n_byte) / times[2];
  }();
  return rate;
}

/// One copy of the layer: its weights, in tiles where the kernel multiplies by them, and the kernel's state.
template <class Kernel>
struct layer {
  ffn::ffn_weights<float> w;
  std::vector<quipu::buffer<std::byte>> tiles;
  std::unique_ptr<typename Kernel::template state<float>> state;

  layer(const Kernel& kernel, const ffn::ffn_weights<float>& stored, const ffn::place& at) : w(stored) {
    const auto pack = [&](linear::projection_site site, linear::stored_matrix& m) {
      if (!ffn::multiplies(kernel, site, m.type) || !linear::can_pack(m.type, m.cols)) return;
      tiles.emplace_back(linear::packed_bytes(m.type, m.rows, m.cols));
      static_cast<void>(linear::pack_matrix(m, at.team, tiles.back().data()));
      m.packed = tiles.back().data();
    };
    pack(linear::projection_site::gate, w.gate);
    pack(linear::projection_site::up, w.up);
    pack(linear::projection_site::down, w.down);
    state = std::make_unique<typename Kernel::template state<float>>(kernel, w, at);
  }
};

/// Times a kernel on one token after another, over as many copies of a layer as QUIPU_BENCH_MIB holds.
/// state.range: type, active neurons in a thousand, index of `shapes`.
/// @param make      make(layer_source) gives the kernel
/// @param matrices  matrices(density): how many of the three it has to read
template <class Make, class Matrices>
void one_token(benchmark::State& state, Make&& make, Matrices&& matrices) {
  const auto type = static_cast<tensor_type>(state.range(0));
  const double density = static_cast<double>(state.range(1)) / 1000;
  const std::size_t mib = wanted_mib();
  const auto [name, d_model, d_ffn] = mib == 0 ? small_shape : shapes[state.range(2)];
  const quipu::thread_team team(2);
  linear::workspace ws(team);
  linear::projector<float> projector(ws, linear::activation_rounding::int16);
  projector.set_decode_rows(1);
  quipu::io::model_config config;
  config.d_model = d_model, config.d_ffn = d_ffn, config.n_layer = 1;
  const quipu::io::checkpoint_content content;
  const quipu::progress_callback progress;
  const quipu::bench::random_matrix gate(type, d_ffn, d_model, 1), up(type, d_ffn, d_model, 2), down(type, d_model, d_ffn, 3);
  const ffn::ffn_weights<float> stored{gate.matrix(), up.matrix(), down.matrix()};
  const auto kernel = make(layer_source{{.of_neurons = {quipu::bench::thresholds_of(stored.gate, std::vector{density})}}, density,
                                        quipu::bench::weight_deviation * std::sqrt(static_cast<double>(d_model))});
  using kernel_type = std::remove_const_t<decltype(kernel)>;

  std::vector<layer<kernel_type>> layers;
  const std::size_t layer_bytes = stored.gate.n_byte() + stored.up.n_byte() + stored.down.n_byte();
  for (std::size_t i = 0; i < std::max<std::size_t>((mib << 20) / layer_bytes, 1); ++i)
    layers.emplace_back(kernel, stored, ffn::place{0, config, content, team, progress});

  quipu::random_stream stream(5);
  constexpr std::size_t n_input = 16;
  std::vector<float> x(n_input * d_model), y(d_model), buffers(3 * d_ffn);
  for (float& v : x) v = static_cast<float>(stream.normal());
  const ffn::ffn_buffers<float> b{{buffers.data(), 1, d_ffn}, {buffers.data() + d_ffn, 1, d_ffn}, {buffers.data() + 2 * d_ffn, 1, d_ffn}};
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& l = layers[i % layers.size()];
    kernel.forward(*l.state, l.w, ws, projector, quipu::matrix_view<const float>(x.data() + i % n_input * d_model, 1, d_model), b,
                   quipu::matrix_view<float>(y.data(), 1, d_model), ffn::no_observer{});
    ++i;
  }
  benchmark::DoNotOptimize(y.data());
  const double n = static_cast<double>(state.iterations()), n_matrix = matrices(density);
  const double n_byte = n * n_matrix * static_cast<double>(stored.gate.n_byte());
  state.SetBytesProcessed(static_cast<std::int64_t>(n_byte));
  state.counters["share"] = benchmark::Counter(n_byte / (1e3 * plain_rate(team)), benchmark::Counter::kIsRate);
  state.counters["FLOP"] = benchmark::Counter(2 * n * n_matrix * static_cast<double>(d_model * d_ffn), benchmark::Counter::kIsRate);
  state.SetLabel(std::string(name));
}

inline double all_matrices(double) { return 3; }
inline double gate_and_active_rows(double density) { return 1 + 2 * density; }

/// Registers a kernel under a name, see `one_token`: types and densities, and all shapes if QUIPU_BENCH_MIB is given.
template <class Make, class Matrices>
bool add(const char* name, Make make, Matrices matrices,
         const std::vector<tensor_type>& types = {tensor_type::q8_0, tensor_type::q4_0, tensor_type::bf16, tensor_type::f32},
         const std::vector<int>& densities = {20, 50, 107, 200, 300, 500}) {
  auto* const b = benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { one_token(state, make, matrices); });
  for (std::size_t s = 0; s < (wanted_mib() == 0 ? 1 : std::size(shapes)); ++s) {
    for (const auto type : types) {
      for (const int density : densities) b->Args({static_cast<int>(type), density, static_cast<int>(s)});
    }
  }
  b->UseRealTime();
  return true;
}

}  // namespace ffn_bench

// Products with weights in tiles, beside what a plain loop reads in the same process. Weights rotate through QUIPU_BENCH_MIB of memory (64 if
// not given; 2048 for figures, which no cache holds): `bytes_per_second` are those of weights, `share` is that over the plain loop's.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/packed_kernels.hpp>
#include <quipu/linear/packed_product.hpp>
#include <quipu/linear/workspace.hpp>

#include "support/plain_loop.hpp"

namespace {

namespace linear = quipu::linear;
using quipu::tensor_type;

const quipu::thread_team& team() {
  static const quipu::thread_team all;
  return all;
}

std::size_t memory_bytes() {
  const char* mib = std::getenv("QUIPU_BENCH_MIB");
  return (mib == nullptr ? std::size_t{64} : std::strtoul(mib, nullptr, 10)) << 20;
}

// Bytes of random codes, under scales that stay finite: any bytes are sound weights but for those.
const quipu::buffer<std::byte>& weights() {
  static const quipu::buffer<std::byte> all = [] {
    quipu::buffer<std::byte> bytes(memory_bytes());
    quipu::random_stream random(1);
    auto* words = reinterpret_cast<std::uint32_t*>(bytes.data());
    for (std::size_t i = 0; i < bytes.size() / 4; ++i) words[i] = random.below(0xffffffffu) & 0x3bff3bffu;
    return bytes;
  }();
  return all;
}

void read_all(std::vector<std::uint64_t>& sums) {
  const std::size_t n = weights().size() / 8;
  const auto* words = reinterpret_cast<const std::uint64_t*>(weights().data());
  team().parallel_for(n, (n + team().size() - 1) / team().size(), [&](std::size_t begin, std::size_t end, std::size_t thread) {
    sums[thread] += quipu::bench::plain_sum(words + begin, end - begin);
  });
}

// Bytes a second that a plain loop reads of the same memory, the median of five.
double plain_rate() {
  static const double rate = [] {
    std::vector<std::uint64_t> sums(team().size());
    std::vector<double> rates;
    for (int i = 0; i < 5; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      read_all(sums);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      rates.push_back(static_cast<double>(weights().size()) / took.count());
    }
    benchmark::DoNotOptimize(sums.data());
    std::sort(rates.begin(), rates.end());
    return rates[2];
  }();
  return rate;
}

void plain_loop(benchmark::State& state) {
  std::vector<std::uint64_t> sums(team().size());
  read_all(sums);  // the memory is made now, not in the first turn
  for (auto _ : state) read_all(sums);
  benchmark::DoNotOptimize(sums.data());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * weights().size()));
}

void tiles(benchmark::State& state, tensor_type type, linear::activation_bits bits, std::size_t n_col, std::size_t n_token) {
  linear::workspace ws(team());
  const std::size_t tile = linear::packed_form_of(type).tile_bytes(n_col), n_tile = weights().size() / tile;
  if (n_tile == 0) return state.SkipWithError("more memory is needed: QUIPU_BENCH_MIB");
  quipu::random_stream random(2);
  std::vector<float> x(n_token * n_col);
  for (float& v : x) v = static_cast<float>(random.normal());
  linear::rounded_buffer rounded;
  // Long products are cut so that each turn takes a bearable time.
  const std::size_t n_turn = n_token == 1 ? n_tile : std::max<std::size_t>(n_tile / (4 * n_token), team().size());
  std::size_t first = 0;
  for (auto _ : state) {
    rounded.round(ws, quipu::matrix_view<const float>(x.data(), n_token, n_col), bits);
    const auto rows = rounded.rows();
    team().parallel_for(n_turn, (n_turn + team().size() - 1) / team().size(), [&](std::size_t begin, std::size_t end, std::size_t) {
      std::vector<float> y(n_token * linear::packed_tile_rows);
      for (std::size_t i = begin; i < end; ++i) {
        ws.packed_kernels().multiply(type, bits, weights().data() + (first + i) % n_tile * tile, rows, n_token, n_col, y.data(),
                                     linear::packed_tile_rows);
      }
      benchmark::DoNotOptimize(y.data());
    });
    first = (first + n_turn) % n_tile;
  }
  const auto n_byte = static_cast<double>(state.iterations()) * static_cast<double>(n_turn * tile);
  state.SetBytesProcessed(static_cast<std::int64_t>(n_byte));
  state.counters["share"] = benchmark::Counter(n_byte / plain_rate(), benchmark::Counter::kIsRate);
  state.counters["GOP"] = benchmark::Counter(
      2e-9 * static_cast<double>(state.iterations()) * static_cast<double>(n_turn * linear::packed_tile_rows * n_col * n_token), benchmark::Counter::kIsRate);
}

const bool registered = [] {
  benchmark::RegisterBenchmark("plain loop", plain_loop)->UseRealTime();
  using enum tensor_type;
  for (const tensor_type type : {q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k}) {
    for (const auto bits : {linear::activation_bits::eight, linear::activation_bits::sixteen}) {
      for (const std::size_t n_token : {1, 32}) {
        const std::string name = std::string(quipu::name_of(type)) + (bits == linear::activation_bits::eight ? " int8" : " int16") + " 4096 x" +
                                 std::to_string(n_token);
        benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { tiles(state, type, bits, 4096, n_token); })->UseRealTime();
      }
    }
  }
  return true;
}();

}  // namespace

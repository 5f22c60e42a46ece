// What a plain loop reads of memory that no cache holds, in GB/s: the limit that decoding is measured by.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/thread_team.hpp>

#include "process_figures.hpp"
#include "support/plain_loop.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: read_bandwidth THREADS MIB\n";
    return 2;
  }
  const quipu::thread_team team(std::strtoul(argv[1], nullptr, 10));
  const std::size_t n = std::strtoul(argv[2], nullptr, 10) * (std::size_t{1} << 20) / sizeof(std::uint64_t);
  quipu::buffer<std::uint64_t> memory(n);
  std::fill_n(memory.data(), n, std::uint64_t{1});
  std::vector<std::uint64_t> sums(team.size());
  const std::size_t share = (n + team.size() - 1) / team.size();
  std::vector<double> rates;
  for (int i = 0; i < 7; ++i) {
    const double begin = now();
    team.parallel_for(n, share, [&](std::size_t first, std::size_t last, std::size_t thread) {
      sums[thread] += quipu::bench::plain_sum(memory.data() + first, last - first);
    });
    rates.push_back(static_cast<double>(n * sizeof(std::uint64_t)) / 1e9 / (now() - begin));
  }
  std::sort(rates.begin(), rates.end());
  std::uint64_t all = 0;
  for (const std::uint64_t s : sums) all += s;
  std::cout << "{\"gb_s\": " << rates[rates.size() / 2] << ", \"sum\": " << all << "}\n";
}

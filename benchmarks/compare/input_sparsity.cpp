// Small inputs of all matrices left out, as TEAL and WINA do: perplexity of a model at shares of 25, 40 and 50 %, levels being quantiles on
// one text and perplexity that of another. What is left out is worked out as a 0, so there is no speed to measure.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/llama/load.hpp>
#include <quipu/report/table.hpp>
#include <quipu/sparsity/input_search.hpp>
#include <quipu/text/tokenizer.hpp>

#include "support/first_tokens.hpp"

namespace llama = quipu::llama;
namespace report = quipu::report;
namespace sparsity = quipu::sparsity;
using quipu::bench::first_tokens;

int main(int argc, char** argv) {
  if (argc < 4 || argc > 7) {
    std::cerr << "usage: compare_input_sparsity MODEL CALIBRATION_TEXT TEST_TEXT [TOKENS] [WINDOW] [JSON_FILE]\n";
    return 2;
  }
  try {
    const std::size_t n = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 4096, window = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 1024;
    const auto m = llama::load<>(argv[1]);
    const auto calibration = first_tokens(m, argv[2], n), test = first_tokens(m, argv[3], n);
    const sparsity::record_options record{.window = window, .memory = std::size_t{2} << 30, .team = quipu::thread_team(2)};
    report::table rows{{{"criterion", 1}, {"asked for, %", 0}, {"left out, %", 1}, {"of q, k, v", 1}, {"of o", 1}, {"of gate, up", 1}, {"of down", 1}, {"perplexity", 2}}};
    for (const auto criterion : {llama::input_criterion::size, llama::input_criterion::weighted}) {
      for (const double share : {0.0, 0.25, 0.4, 0.5}) {
        if (share == 0 && criterion != llama::input_criterion::size) continue;
        const auto cost = sparsity::measured_input_cost(m, sparsity::find_input_levels(m, calibration, {share, criterion}, record), test, record);
        const auto& by = cost.left_out;  // q, k, v, o, gate, up, down
        rows.add_row({std::string(share == 0 ? "none" : name_of(criterion)), 100 * share, 100 * cost.bytes_left_out, 100 * (by[0] + by[1] + by[2]) / 3, 100 * by[3],
                      50 * (by[4] + by[5]), 100 * by[6], cost.perplexity});
        std::cerr << name_of(criterion) << ' ' << share << ": " << cost.perplexity << '\n';
      }
    }
    std::cout << rows.markdown() << '\n' << test.size() << " tokens in windows of " << window << '\n';
    if (argc > 6) std::ofstream(argv[6]) << rows.json().dump(1) << '\n';
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

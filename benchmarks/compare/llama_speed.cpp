// One measurement for scripts/compare: prints prompt and decode speed of a checkpoint as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>

#include "process_figures.hpp"

namespace llama = quipu::llama;

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: llama_speed MODEL THREADS PROMPT_TOKENS GENERATED_TOKENS\n";
    return 2;
  }
  try {
    const double start = now();
    const auto m = llama::load<>(argv[1]);
    const double loaded = now();
    const std::size_t n_prompt = std::strtoul(argv[3], nullptr, 10), n_generated = std::strtoul(argv[4], nullptr, 10);
    std::vector<quipu::token_id> ids(n_prompt);
    for (std::size_t i = 0; i < n_prompt; ++i) {
      ids[i] = static_cast<quipu::token_id>((i * 7919 + 13) % m.config().n_vocab);
    }
    llama::session s(m, quipu::thread_team(std::strtoul(argv[2], nullptr, 10)),
                     {.n_ctx = std::max(n_prompt, n_generated) + 1});
    const auto warm = s.create();
    static_cast<void>(s.next_logits(warm, {ids.data(), 8}));
    s.erase(warm);
    const auto prompt = s.create();
    const double before = now();
    static_cast<void>(s.next_logits(prompt, ids));
    const double prompt_seconds = now() - before;
    s.erase(prompt);
    const auto sequence = s.create();
    static_cast<void>(s.next_logits(sequence, {ids.data(), 1}));
    const double first = now();
    for (std::size_t i = 0; i < n_generated; ++i) static_cast<void>(s.next_logits(sequence, {&ids[i % n_prompt], 1}));
    const double decode_seconds = now() - first;
    std::cout << "{\"load_s\": " << loaded - start
              << ", \"prompt_tokens_s\": " << static_cast<double>(n_prompt) / prompt_seconds
              << ", \"decode_tokens_s\": " << static_cast<double>(n_generated) / decode_seconds
              << ", \"bytes_per_token\": " << m.weights().bytes_per_token() << ", \"peak_kib\": " << peak_kib()
              << "}\n";
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

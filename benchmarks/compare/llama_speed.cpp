// One measurement for scripts/compare: prints prompt and decode speed of a checkpoint as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>

#include "process_figures.hpp"

namespace llama = quipu::llama;

namespace {

struct settings {
  std::string model;
  std::size_t n_thread = 2, n_prompt = 512, n_generated = 128, n_before = 0;
};

template <class... Policies>
void measure(const settings& s) {
  const double start = now();
  const auto m = llama::load<Policies...>(s.model, {.team = quipu::thread_team(s.n_thread)});
  const double loaded = now();
  std::vector<quipu::token_id> ids(std::max<std::size_t>({s.n_prompt, s.n_before, 8}));
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<quipu::token_id>((i * 7919 + 13) % m.config().n_vocab);
  llama::session session(m, quipu::thread_team(s.n_thread),
                         {.n_ctx = std::max(s.n_prompt, s.n_before + s.n_generated) + 1});
  const auto warm = session.create();
  static_cast<void>(session.next_logits(warm, {ids.data(), 8}));
  session.erase(warm);
  const auto prompt = session.create();
  const double before = now();
  static_cast<void>(session.next_logits(prompt, {ids.data(), s.n_prompt}));
  const double prompt_seconds = now() - before;
  session.erase(prompt);
  const auto sequence = session.create();
  static_cast<void>(session.next_logits(sequence, {ids.data(), std::max<std::size_t>(s.n_before, 1)}));
  const double first = now();
  for (std::size_t i = 0; i < s.n_generated; ++i)
    static_cast<void>(session.next_logits(sequence, {&ids[i % ids.size()], 1}, llama::token_role::decode));
  const double decode_seconds = now() - first;
  std::cout << "{\"load_s\": " << loaded - start
            << ", \"prompt_tokens_s\": " << static_cast<double>(s.n_prompt) / prompt_seconds
            << ", \"decode_tokens_s\": " << static_cast<double>(s.n_generated) / decode_seconds
            << ", \"bytes_per_token\": " << m.weights().bytes_per_token()
            << ", \"operations_per_token\": " << 2 * (m.weights().n_parameter() - m.config().n_vocab * m.config().d_model)
            << ", \"path\": \"" << quipu::name_of(kernels_of(m).set) << "\", \"peak_kib\": " << peak_kib() << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 7) {
    std::cerr << "usage: llama_speed MODEL THREADS PROMPT_TOKENS GENERATED_TOKENS [int8 | int16 | f32] [TOKENS_BEFORE]\n";
    return 2;
  }
  try {
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoul(argv[i], nullptr, 10)); };
    settings s{argv[1], number(2), number(3), number(4)};
    const std::string bits = argc > 5 ? argv[5] : "int16";
    if (argc > 6) s.n_before = number(6);
    if (bits == "int8") {
      measure<quipu::activations::int8>(s);
    } else if (bits == "f32") {
      measure<quipu::activations::f32>(s);
    } else {
      measure<>(s);
    }
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

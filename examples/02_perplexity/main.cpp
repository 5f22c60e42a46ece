// Perplexity of a text file under a LLaMA checkpoint.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/quipu.hpp>

#include "adapters.hpp"
#include "arguments.hpp"
#include "terminal.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, file;
  std::vector<std::string> adapters;
  std::size_t n_thread = 0, window = 512, stride = 512, max_tokens = 0;
  double threshold = 0;
  bool rounded = false;
};

template <class Model>
int measure(const Model& m, const settings& s) {
  const q::mapped_file file(s.file);
  std::vector<q::token_id> ids = q::text::encode_document(m.tokenizer(), file.text());
  if (s.max_tokens > 0) ids.resize(std::min(ids.size(), s.max_tokens));
  auto session = open_session(m, q::thread_team(s.n_thread));
  const terminal::stopwatch watch;
  const auto result = q::llama::perplexity(
      session, ids, {.window = s.window, .stride = s.stride, .progress = terminal::progress_bar()});
  std::cout << "perplexity " << result.value() << " over " << result.n_scored << " tokens"
            << terminal::rate(ids.size(), watch.seconds()) << ", peak memory " << terminal::peak_memory_mib() << " MiB\n";
  return 0;
}

/// What a ReLU model loses if its activation is shifted: neurons below the threshold count as inactive.
template <class Model>
int measure_shifted(const Model& m, const settings& s) {
  terminal::show_warnings(m.tokenizer().warnings());
  if (s.threshold == 0) return measure(terminal::with_adapters(m, s.adapters), s);
  // [with-ffn]
  const auto shifted = q::llama::with_ffn(m, q::ffn::dense<q::activation::fat_relu>{{.threshold = s.threshold}});
  // [with-ffn]
  return measure(terminal::with_adapters(shifted, s.adapters), s);
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Perplexity of a text under a LLaMA, over sliding windows.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.repeated("--adapter", &s.adapters, terminal::adapter_help);
  arguments.required("--file", &s.file, "text file");
  arguments.option("--window", &s.window, "tokens read together");
  arguments.option("--stride", &s.stride, "tokens from one window to the next");
  arguments.option("--max-tokens", &s.max_tokens, "read no more of the file; 0 for all");
  arguments.option("--threads", &s.n_thread, "threads; 0 for all processors");
  arguments.option("--threshold", &s.threshold, "shift of a ReLU model's activation");
  arguments.flag("--rounded", &s.rounded, "round activations to 8 bits and the cache to f16, as llama.cpp does");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    const q::llama::load_options load{.tokenizer = s.tokenizer, .progress = terminal::progress_bar()};
    using ffn = q::ffn::dense<q::activation::as_stated>;
    if (s.rounded) return measure_shifted(q::llama::load<ffn, q::activations::int8>(s.model, load), s);
    return measure_shifted(q::llama::load<ffn, q::activations::f32, q::kv::f32>(s.model, load), s);
  });
}

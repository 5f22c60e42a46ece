// Answers a chat prompt or continues a text with any LLaMA checkpoint, streaming.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/linear/kernels.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/message_guard.hpp>
#include <quipu/text/tokenizer.hpp>

#include "adapters.hpp"
#include "arguments.hpp"
#include "terminal.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, prompt, system, chat = "auto";
  std::vector<std::string> adapters;
  std::size_t n_thread = 0, max_tokens = 256, n_ctx = 2048;
  q::llama::sampling_settings sampling{.temperature = 0};
  bool completion = false;
  bool special = false;
};

template <class Model>
void print_facts(const Model& m, const settings& s, double load_seconds) {
  const auto& c = m.config();
  std::cerr << (c.name.empty() ? s.model : c.name) << " (" << m.identity()->format << "): " << c.n_layer
            << " layers, d_model " << c.d_model << ", d_ffn " << c.d_ffn << ", " << c.n_head << " heads on "
            << c.n_kv_head << " KV heads, vocabulary " << c.n_vocab << ", context " << c.n_ctx << "\n"
            << m.weights().n_parameter() / 1'000'000 << " M parameters, " << m.weights().bytes_per_token() / 1'000'000
            << " MB read a token, loaded in " << load_seconds << " s, kernels "
            << name_of(q::linear::best_kernels().set) << "\n\n";
}

template <class Model>
std::vector<q::token_id> prompt_ids(const Model& m, const settings& s) {
  const auto special = s.special ? q::text::special::parse : q::text::special::plain;
  if (s.completion) return q::text::encode_document(m.tokenizer(), s.prompt, special);
  const auto forced = s.chat == "auto" ? std::nullopt : std::optional(q::text::chat_family_by_name(s.chat));
  std::vector<q::text::chat_message> messages;
  if (!s.system.empty()) messages.push_back({"system", s.system});
  messages.push_back({"user", s.prompt});
  const q::text::chat_template form = q::text::chat_template_of(m.tokenizer(), forced);
  if (s.special) return m.tokenizer().encode(q::text::render_text(form, messages), special);
  return q::text::encode_chat(m.tokenizer(), form, q::text::guarded_messages(form, messages),
                              q::text::generation_prompt::add);
}

template <class Model>
int answer(const Model& m, const settings& s, double load_seconds) {
  const terminal::interrupt_guard ctrl_c;
  print_facts(m, s, load_seconds);
  const std::vector<q::token_id> ids = prompt_ids(m, s);
  auto session = open_session(m, q::thread_team(s.n_thread), {.n_ctx = std::min(s.n_ctx, m.config().n_ctx)});
  double first_token = 0;
  const terminal::stopwatch watch;
  const auto result =
      q::llama::generate(session, m.tokenizer(), session.create(), ids,
                         {.max_tokens = s.max_tokens,
                          .sampler = q::llama::sampling(s.sampling),
                          .continues_text = s.completion,
                          .on_text = [&](std::string_view text) {
                            if (first_token == 0) first_token = watch.seconds();
                            return (std::cout << text << std::flush) && !ctrl_c.interrupted();
                          }});
  const double total = watch.seconds();
  if (first_token == 0) first_token = total;  // nothing was said
  std::cout << std::endl;
  std::cerr << "\nprompt " << ids.size() << " tokens in " << first_token << " s"
            << terminal::rate(ids.size(), first_token) << "; generated " << result.tokens.size() << " tokens"
            << terminal::rate(std::max<std::size_t>(result.tokens.size(), 1) - 1, total - first_token)
            << "; peak memory " << terminal::peak_memory_mib() << " MiB\n";
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments(
      "Answers a chat prompt, or continues a text, with a LLaMA from GGUF, Hugging Face or llama2.c files.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.repeated("--adapter", &s.adapters, terminal::adapter_help);
  arguments.positional("prompt", &s.prompt, "what to say (default: What is the capital of France?)");
  arguments.option("--prompt", &s.prompt, "the same as an option");
  arguments.option("--system", &s.system, "system message");
  arguments.flag("--completion", &s.completion, "continue the text instead of answering it");
  arguments.flag("--special", &s.special, "control tokens and a chat format's marks in the prompt are such, not text");
  arguments.option("--chat", &s.chat, "chat format: auto, llama-2, llama-3, chatml or zephyr");
  arguments.option("--threads", &s.n_thread, "threads; 0 for all processors");
  arguments.option("--max-tokens", &s.max_tokens, "tokens to generate at most");
  arguments.option("--ctx", &s.n_ctx, "longest conversation in tokens");
  arguments.option("--temperature", &s.sampling.temperature, "0 takes the best token");
  arguments.option("--top-k", &s.sampling.top_k);
  arguments.option("--top-p", &s.sampling.top_p);
  arguments.option("--min-p", &s.sampling.min_p);
  arguments.option("--repetition-penalty", &s.sampling.repetition_penalty, "above 1 repeated tokens lose");
  arguments.option("--frequency-penalty", &s.sampling.frequency_penalty, "taken from a token's logit for each time it was there");
  arguments.option("--presence-penalty", &s.sampling.presence_penalty, "taken from a token's logit if it was there");
  arguments.option("--penalty-window", &s.sampling.penalty_window, "tokens that the penalties look back at");
  arguments.option("--seed", &s.sampling.seed, "of the draws; the same seed gives the same text");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    const terminal::stopwatch watch;
    auto model = q::llama::load<q::ffn::dense<q::activation::as_stated>>(
        s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    terminal::show_warnings(model.tokenizer().warnings());
    if (s.prompt.empty()) s.prompt = "What is the capital of France?";
    return answer(terminal::with_adapters(model, s.adapters), s, watch.seconds());
  });
}

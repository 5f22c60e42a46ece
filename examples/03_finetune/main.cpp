// Fine-tunes a LLaMA on a text file or on JSON lines of prompts and answers, with LoRA or in full.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include <iostream>
#include <string>
#include <tuple>
#include <vector>

#include <quipu/quipu.hpp>

#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, data, out, ask;
  bool full = false, resume = false, recompute = false, check = false;
  std::size_t rank = 8, n_epoch = 3, batch_size = 8, n_token = 256, n_thread = 0;
  double alpha = 16, learning_rate = 0, dropout = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
};

template <class Model>
q::train::example_list read_examples(const Model& m, const std::string& path) {
  q::train::example_list examples;
  for (const auto& [prompt, answer] : training_files::read_pairs(path)) {
    std::vector<q::token_id> ids = m.tokenizer().encode(answer);
    if (m.tokenizer().eos() != q::no_token) ids.push_back(m.tokenizer().eos());
    examples.push_back(q::train::prompt_and_answer(training_files::prompt_ids(m.tokenizer(), prompt), ids));
  }
  return examples;
}

template <class Pass, class Parameters, class Gradients, class Source, class Hooks>
void train(Pass& pass, const Parameters& parameters, const Gradients& gradients, const Source& source, Hooks& hooks, const settings& s) {
  // [train]
  const std::size_t n_step = (s.n_epoch * source.size() + s.batch_size - 1) / s.batch_size;
  const double rate = s.learning_rate > 0 ? s.learning_rate : s.full ? 2e-5 : 1e-3;
  q::train::trainer trainer(pass, parameters, gradients, q::optim::adamw{.learning_rate = rate}, q::schedule::cosine{n_step / 20, n_step},
                            {.n_step = n_step, .batch_size = s.batch_size, .max_gradient_norm = 1, .seed = s.seed, .save_every = 50,
                             .folder = s.out, .resume = s.resume, .progress = training_files::show});
  trainer.run(source, hooks);
  // [train]
  std::cerr << "peak memory " << terminal::peak_memory_mib() << " MiB\n";
  hooks.evaluate();
}

/// The greedy answer to a question, at most 64 tokens.
template <class Model, class Hooks>
std::string answer(q::llama::session<Model>& session, Hooks& hooks, const std::string& question, bool stream = false) {
  const auto& tokenizer = session.model().tokenizer();
  const auto sequence = session.create();
  q::text::stream_decoder decoder(tokenizer);
  std::vector<q::token_id> next = training_files::prompt_ids(tokenizer, question);
  std::string text;
  const auto give = [&](const std::string& piece) {
    text += piece;
    if (stream) std::cout << piece << std::flush;
  };
  for (std::size_t n = 0; n < 64; ++n) {
    const q::llama::sequence_input<float> in{sequence, next};
    q::token_id best = 0;
    session.run({&in, 1}, [&](std::size_t, std::size_t, std::span<const float> logits) { best = q::llama::greedy()(logits, {}); }, hooks);
    if (tokenizer.is_end(best)) break;
    give(decoder.push(best));
    next = {best};
  }
  give(decoder.flush());
  session.erase(sequence);
  return text;
}

/// How many of the pairs' answers the model gives, byte for byte.
template <class Model, class Hooks>
void check(const Model& m, Hooks& hooks, q::linear::workspace& ws, const settings& s, const char* when) {
  if (!s.check) return;
  q::llama::session session(m, ws.team());
  const auto pairs = training_files::read_pairs(s.data);
  std::size_t given = 0;
  for (const auto& pair : pairs) given += std::size_t{answer(session, hooks, pair.prompt) == pair.answer};
  std::cout << when << " training: " << given << " of " << pairs.size() << " answers given" << std::endl;
}

template <class Model, class Hooks>
void ask(const Model& m, Hooks& hooks, q::linear::workspace& ws, const settings& s) {
  if (s.ask.empty()) return;
  q::llama::session session(m, ws.team());
  answer(session, hooks, s.ask, true);
  std::cout << std::endl;
}

template <class Model, class Source>
int run(const Model& m, const Source& source, const settings& s) {
  const q::thread_team team(s.n_thread);
  const auto depth = s.recompute ? q::llama::tape_depth::block_inputs : q::llama::tape_depth::everything;
  if (s.full) {
    auto trainable = q::llama::thaw<float>(m);
    trainable.select(q::optim::name_pattern::all());
    q::llama::training_pass pass(trainable.model(), team, depth);
    q::llama::no_training_hooks hooks;
    check(trainable.model(), hooks, pass.workspace(), s, "before");
    train(pass, trainable.parameters(), trainable.gradients(), source, hooks, s);
    q::io::write_hf_folder(s.out + "/model", q::llama::checkpoint_of(trainable));
    check(trainable.model(), hooks, pass.workspace(), s, "after");
    ask(trainable.model(), hooks, pass.workspace(), s);
  } else {
    q::llama::training_pass pass(m, team, depth);
    q::pet::lora::module<float> module({.rank = s.rank, .alpha = s.alpha, .dropout = s.dropout, .targets = q::optim::name_pattern::suffixes(s.targets)},
                                       m.config(), s.seed);
    q::llama::module_hooks hooks(module, pass.workspace());
    check(m, hooks, pass.workspace(), s, "before");
    train(pass, module.parameters(), q::llama::weight_gradients<float>(), source, hooks, s);
    q::pet::save_peft(s.out + "/adapter", module, m.config(), {.base_model = s.model});
    check(m, hooks, pass.workspace(), s, "after");
    ask(m, hooks, pass.workspace(), s);
  }
  return 0;
}

int main(int argc, char** argv) {
  CLI::App app{"Fine-tunes a LLaMA on prompts and answers (.jsonl) or on a text, with LoRA or in full."};
  settings s;
  app.add_option("--model", s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file")->required();
  app.add_option("--tokenizer", s.tokenizer, "vocabulary, where the checkpoint has none");
  app.add_option("--data", s.data, "JSON lines of prompt and answer where it ends in .jsonl, else a text")->required();
  app.add_option("--out", s.out, "folder for checkpoints, log and result")->required();
  app.add_option("--ask", s.ask, "prompt to answer after training");
  for (auto [name, value, help] : {std::tuple{"--full", &s.full, "train all weights instead of LoRA"}, {"--resume", &s.resume, "go on where the run in --out stopped"},
                                   {"--check", &s.check, "count the pairs whose answer the model gives, before and after"},
                                   {"--recompute", &s.recompute, "keep block inputs only: less memory, a quarter more time"}}) {
    app.add_flag(name, *value, help);
  }
  app.add_option("--alpha", s.alpha, "of LoRA")->capture_default_str();
  app.add_option("--dropout", s.dropout, "of LoRA")->capture_default_str();
  app.add_option("--targets", s.targets, "linear layers that get LoRA")->capture_default_str();
  app.add_option("--learning-rate", s.learning_rate, "0: 1e-3 for LoRA, 2e-5 in full")->capture_default_str();
  for (auto [name, value, help] : {std::tuple{"--rank", &s.rank, "of LoRA"}, {"--epochs", &s.n_epoch, ""}, {"--batch", &s.batch_size, "sequences in a step"},
                                   {"--window", &s.n_token, "tokens in a sequence of a text"}, {"--threads", &s.n_thread, "0 for all processors"}}) {
    app.add_option(name, *value, help)->capture_default_str();
  }
  app.add_option("--seed", s.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return terminal::run([&] {
    const auto m = q::llama::load<q::ffn::dense<q::activation::silu>>(s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    if (s.check && !s.data.ends_with(".jsonl")) q::fail<q::config_error>("--check", "pairs in a .jsonl file", s.data);
    if (s.data.ends_with(".jsonl")) return run(m, read_examples(m, s.data), s);
    return run(m, q::train::token_windows(q::text::encode_document(m.tokenizer(), training_files::read_text(s.data)), s.n_token), s);
  });
}

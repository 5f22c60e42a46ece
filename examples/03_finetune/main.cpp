// Fine-tunes a LLaMA on a text file or on JSON lines of prompts and answers, with LoRA or in full.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/quipu.hpp>

#include "arguments.hpp"
#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, data, out, ask;
  bool full = false, resume = false, recompute = false, check = false, plain = false, bf16 = false;
  std::size_t rank = 8, n_epoch = 3, batch_size = 8, n_token = 256, n_thread = 0;
  double alpha = 16, learning_rate = 0, dropout = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  [[nodiscard]] training_files::prompt_format format() const {
    return plain ? training_files::prompt_format::plain : training_files::prompt_format::chat;
  }
};

template <class Model>
q::train::example_list read_examples(const Model& m, const settings& s) {
  q::train::example_list examples;
  for (const auto& [prompt, answer] : training_files::read_pairs(s.data)) {
    std::vector<q::token_id> ids = m.tokenizer().encode(answer);
    if (m.tokenizer().eos() != q::no_token) ids.push_back(m.tokenizer().eos());
    examples.push_back(q::train::prompt_and_answer(training_files::prompt_ids(m.tokenizer(), prompt, s.format()), ids));
  }
  return examples;
}

template <class Pass, class Parameters, class Gradients, class Source, class Hooks>
void train(Pass& pass, const Parameters& parameters, const Gradients& gradients, const Source& source, Hooks& hooks,
           const settings& s) {
  const std::size_t n_step = (s.n_epoch * source.size() + s.batch_size - 1) / s.batch_size;
  const double rate = s.learning_rate > 0 ? s.learning_rate : s.full ? 2e-5 : 1e-3;
  q::train::trainer trainer(pass, parameters, gradients, q::optim::adamw{.learning_rate = rate},
                            q::schedule::cosine{n_step / 20, n_step},
                            {.n_step = n_step,
                             .batch_size = s.batch_size,
                             .max_gradient_norm = 1,
                             .seed = s.seed,
                             .save_every = 50,
                             .folder = s.out,
                             .resume = s.resume,
                             .progress = training_files::show});
  const double begin = q::steady_seconds();
  trainer.run(source, hooks);
  std::cout << "trained for " << n_step << " steps in " << q::steady_seconds() - begin << " s" << std::endl;
  std::cerr << "peak memory " << terminal::peak_memory_mib() << " MiB\n";
  hooks.evaluate();
}

/// How many of the pairs' answers the model gives, byte for byte. The tokens of prompts and answers go to `--out`, for
/// other programs to look at.
template <class Model, class Hooks>
void check(const Model& m, Hooks& hooks, q::linear::workspace& ws, const settings& s, const char* when) {
  if (!s.check) return;
  const double begin = q::steady_seconds();
  std::vector<q::llama::expected_answer> expected;
  for (const auto& pair : training_files::read_pairs(s.data))
    expected.push_back({training_files::prompt_ids(m.tokenizer(), pair.prompt, s.format()), pair.answer});
  q::llama::session session(m, ws.team());
  q::llama::hooked_session with_module(session, hooks);
  q::llama::check_options options;
  if (s.plain) options.stop = {"\n"};
  const auto answers = q::llama::check_answers(with_module, m.tokenizer(),
                                               std::span<const q::llama::expected_answer>(expected), options);
  std::filesystem::create_directories(s.out);
  std::ofstream file(q::concat(s.out, "/answers_", when, ".jsonl"));
  std::size_t right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    right += std::size_t{answers[i].right};
    file << nlohmann::json{{"prompt", expected[i].prompt}, {"given", answers[i].tokens}, {"right", answers[i].right}}
         << '\n';
  }
  std::cout << when << " training: " << right << " of " << answers.size() << " answers given ("
            << q::steady_seconds() - begin << " s)" << std::endl;
}

template <class Model, class Hooks>
void ask(const Model& m, Hooks& hooks, q::linear::workspace& ws, const settings& s) {
  if (s.ask.empty()) return;
  q::llama::session session(m, ws.team());
  q::llama::hooked_session with_module(session, hooks);
  q::llama::generate_options options{.max_tokens = 64, .on_text = [](std::string_view text) {
                                       return static_cast<bool>(std::cout << text << std::flush);
                                     }};
  if (s.plain) options.stop = {"\n"};
  static_cast<void>(q::llama::generate(with_module, m.tokenizer(), with_module.create(),
                                       training_files::prompt_ids(m.tokenizer(), s.ask, s.format()), options));
  std::cout << std::endl;
}

template <class Model, class Source>
int run(const Model& m, const Source& source, const settings& s) {
  const q::thread_team team(s.n_thread);
  const auto products = s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none;
  const auto depth = s.recompute ? q::llama::tape_depth::block_inputs : q::llama::tape_depth::everything;
  if (s.full) {
    auto trainable = q::llama::thaw<float>(m);
    trainable.select(q::optim::name_pattern::all());
    q::llama::training_pass pass(trainable.model(), team, depth, products);
    q::llama::no_training_hooks hooks;
    check(trainable.model(), hooks, pass.workspace(), s, "before");
    train(pass, trainable.parameters(), trainable.gradients(), source, hooks, s);
    const q::io::checkpoint result = q::llama::checkpoint_of(trainable);
    q::io::write_hf_folder(s.out + "/model", result);
    q::io::write_tokenizer_files(s.out + "/model", result, s.tokenizer.empty() ? s.model : s.tokenizer);
    check(trainable.model(), hooks, pass.workspace(), s, "after");
    ask(trainable.model(), hooks, pass.workspace(), s);
  } else {
    q::llama::training_pass pass(m, team, depth, products);
    q::pet::lora::module<float> module({.rank = s.rank,
                                        .alpha = s.alpha,
                                        .dropout = s.dropout,
                                        .targets = q::optim::name_pattern::suffixes(s.targets)},
                                       m.config(), s.seed);
    q::llama::module_hooks hooks(module, pass.workspace());
    check(m, hooks, pass.workspace(), s, "before");
    train(pass, module.parameters(), q::llama::weight_gradients<float>(), source, hooks, s);
    q::pet::save_peft(s.out + "/adapter", module, m.config(), {.base_model = s.model});
    q::pet::write_lora_gguf(s.out + "/adapter.gguf", module, m.config());
    check(m, hooks, pass.workspace(), s, "after");
    ask(m, hooks, pass.workspace(), s);
  }
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments(
      "Fine-tunes a LLaMA on prompts and answers (.jsonl) or on a text, with LoRA or in full.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.required("--data", &s.data, "JSON lines of prompt and answer where it ends in .jsonl, else a text");
  arguments.required("--out", &s.out, "folder for checkpoints, log and result");
  arguments.option("--ask", &s.ask, "prompt to answer after training");
  arguments.flag("--full", &s.full, "train all weights instead of LoRA");
  arguments.flag("--resume", &s.resume, "go on where the run in --out stopped");
  arguments.flag("--plain", &s.plain, "prompts as they are, followed by a line break, instead of in the chat format");
  arguments.flag("--check", &s.check, "count the pairs whose answer the model gives, before and after");
  arguments.flag(
      "--bf16", &s.bf16,
      "round the operands of the model's products to bf16 where the processor has such products: twice as fast");
  arguments.flag("--recompute", &s.recompute, "keep block inputs only: less memory, a quarter more time");
  arguments.option("--alpha", &s.alpha, "of LoRA");
  arguments.option("--dropout", &s.dropout, "of LoRA");
  arguments.option("--targets", &s.targets, "linear layers that get LoRA");
  arguments.option("--learning-rate", &s.learning_rate, "0: 1e-3 for LoRA, 2e-5 in full");
  arguments.option("--rank", &s.rank, "of LoRA");
  arguments.option("--epochs", &s.n_epoch);
  arguments.option("--batch", &s.batch_size, "sequences in a step");
  arguments.option("--window", &s.n_token, "tokens in a sequence of a text");
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  arguments.option("--seed", &s.seed);
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    const auto m = q::llama::load<q::ffn::dense<q::activation::as_stated>, q::activations::f32, q::kv::exact>(
        s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    if (s.check && !s.data.ends_with(".jsonl")) q::fail<q::config_error>("--check", "pairs in a .jsonl file", s.data);
    if (s.data.ends_with(".jsonl")) return run(m, read_examples(m, s), s);
    return run(
        m,
        q::train::token_windows(q::text::encode_document(m.tokenizer(), training_files::read_text(s.data)), s.n_token),
        s);
  });
}

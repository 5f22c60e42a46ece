// Trains a small LLaMA from nothing on a text file and writes it as llama2.c, GGUF and Hugging Face files.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <quipu/quipu.hpp>

#include "arguments.hpp"
#include "model_folder.hpp"
#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string vocabulary, text, out, prompt = "Once upon a time";
  std::size_t n_vocab = 0, d_model = 64, n_layer = 5, n_head = 8, n_kv_head = 4, d_ffn = 172, n_ctx = 256;
  std::size_t n_step = 500, batch_size = 16, n_thread = 0;
  double learning_rate = 2e-3;
  std::uint64_t seed = 0;
  training_files::run_options run;
  bool bf16 = false;
};

q::io::model_config config_of(const settings& s, const q::text::any_tokenizer& tokenizer) {
  q::io::model_config c;
  c.d_model = s.d_model;
  c.d_ffn = s.d_ffn;
  c.n_layer = s.n_layer;
  c.n_head = s.n_head;
  c.n_kv_head = s.n_kv_head;
  c.d_head = s.n_head == 0 ? 0 : s.d_model / s.n_head;
  c.n_vocab = tokenizer.n_vocab();
  c.n_ctx = s.n_ctx;
  c.tied_embeddings = true;
  c.bos = tokenizer.bos();
  c.eos = tokenizer.eos();
  return c;
}

int run(const settings& s) {
  s.run.check(s.out);
  const q::text::any_tokenizer tokenizer(q::io::read_vocabulary(s.vocabulary, s.n_vocab));
  if (s.n_vocab != 0 && tokenizer.n_vocab() != s.n_vocab)
    q::fail<q::config_error>(q::concat(s.vocabulary, ": --vocab"), s.n_vocab, q::concat(tokenizer.n_vocab(), " tokens"));
  if (s.batch_size == 0 || s.n_step == 0) q::fail<q::config_error>("--batch and --steps", "at least 1", 0);
  const terminal::interrupt_guard ctrl_c;
  std::vector<q::token_id> tokens = q::text::encode_document(tokenizer, training_files::read_text(s.text));
  const std::size_t n_held_out = std::max<std::size_t>(std::min<std::size_t>(tokens.size() / 20, 20'000), 2);
  if (tokens.size() < 4 * n_held_out)
    q::fail<q::config_error>(s.text, "a longer text", q::concat(tokens.size(), " tokens"));
  const q::train::token_windows held_out({tokens.end() - static_cast<std::ptrdiff_t>(n_held_out), tokens.end()},
                                         s.n_ctx);
  tokens.resize(tokens.size() - n_held_out);
  const q::train::token_windows source(std::move(tokens), s.n_ctx);

  auto trainable =
      q::llama::initialise<float, q::ffn::dense<q::activation::silu>>(config_of(s, tokenizer), s.seed, tokenizer);
  const std::size_t n_value = trainable.select(q::optim::name_pattern::all());
  std::cerr << n_value << " values, " << source.size() << " windows of " << s.n_ctx << " tokens\n";
  q::llama::training_pass pass(trainable.model(), q::thread_team(s.n_thread), q::llama::tape_depth::everything,
                               s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none);
  q::llama::no_training_hooks hooks;
  q::train::trainer trainer(pass, trainable.parameters(), trainable.gradients(),
                            q::optim::adamw{.learning_rate = s.learning_rate, .beta2 = 0.95, .weight_decay = 0.1},
                            q::schedule::cosine{s.n_step / 20, s.n_step, 0.1},
                            {.n_step = s.n_step,
                             .batch_size = s.batch_size,
                             .max_gradient_norm = 1,
                             .seed = s.seed,
                             .validate_every = std::max<std::size_t>(s.n_step / 5, 1),
                             .save_every = 100,
                             .folder = s.out,
                             .resume = s.run.resume,
                             .overwrite = s.run.overwrite,
                             .trust_unrecorded = s.run.trust_unrecorded,
                             .recipe = {{"--d-model", q::concat(s.d_model)},
                                        {"--layers", q::concat(s.n_layer)},
                                        {"--heads", q::concat(s.n_head)},
                                        {"--kv-heads", q::concat(s.n_kv_head)},
                                        {"--d-ffn", q::concat(s.d_ffn)},
                                        {"--ctx", q::concat(s.n_ctx)}},
                             .progress = [&](const q::train::step_report& r) {
                               return training_files::show(r) && !ctrl_c.interrupted();
                             }});
  const q::train::training_result trained = trainer.run(source, hooks, held_out);
  training_files::plot_losses(s.out);
  if (!trained.finished) {
    std::cerr << "\nstopped after step " << trained.step << ", which is saved: --resume goes on\n";
    return 130;  // as a shell reports Ctrl-C
  }

  const q::io::checkpoint result = q::llama::checkpoint_of(trainable);
  q::io::write_llama2c(s.out + "/model.bin", result, q::io::llama2c_version::v0);
  try {
    q::io::write_text(s.out + "/tokenizer.bin", q::text::llama2c_tokenizer_text(result.vocabulary));
  } catch (const q::config_error& e) {
    std::cerr << "note: no vocabulary is written beside model.bin: " << e.what() << '\n';
  }
  q::io::write_gguf(s.out + "/model.gguf", result);
  terminal::write_model_folder(s.out + "/hf", result, s.vocabulary);
  const auto written = q::llama::generate(trainable.model(), s.prompt, {.max_tokens = 60});
  std::cout << s.prompt << written.text << std::endl;
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Trains a small LLaMA from nothing on a text file.");
  settings s;
  arguments.required("--vocabulary", &s.vocabulary,
                     "tokenizer: a checkpoint, tokenizer.json, tokenizer.model or llama2.c's tokenizer.bin");
  arguments.required("--text", &s.text, "what to learn");
  arguments.required("--out", &s.out, "folder for checkpoints, log and the model");
  arguments.option("--prompt", &s.prompt, "to continue at the end");
  arguments.option("--vocab", &s.n_vocab, "tokens that the vocabulary must have; 0: as many as it has");
  arguments.option("--d-model", &s.d_model);
  arguments.option("--layers", &s.n_layer);
  arguments.option("--heads", &s.n_head);
  arguments.option("--kv-heads", &s.n_kv_head);
  arguments.option("--d-ffn", &s.d_ffn);
  arguments.option("--ctx", &s.n_ctx, "tokens in a window");
  arguments.option("--steps", &s.n_step);
  arguments.option("--batch", &s.batch_size, "windows in a step");
  arguments.option("--learning-rate", &s.learning_rate);
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  arguments.option("--seed", &s.seed);
  arguments.flag("--bf16", &s.bf16, "round the operands of products to bf16 where the processor has such products");
  s.run.add_to(arguments);
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] { return run(s); });
}

// Teaches a model to read notes: LoRA on questions of edits, written as a PEFT folder for `eren_bench compare
// --reader`. SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>

#include <quipu/data/open_set.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/eren/teach/reader_training.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "arguments.hpp"
#include "set_examples.hpp"
#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string model, set = "cfh", data, with, out;
  std::size_t n_pass = 2, batch = 16, rank = 8, n_thread = 0, seed = 0, n_note = 0, n_most = 0, n_stop = 0;
  double learning_rate = 1e-3;
  training_files::run_options run;
  bool bf16 = false;
};

template <class Model>
q::train::example_list examples_of(const Model& m, const settings& s) {
  if (s.set == "fever" || s.set == "hotpot") {
    return set_examples(m.tokenizer(), s.set, s.data, s.with, s.n_note, s.n_most);
  }
  // The development part without the edits that are held back for thresholds; all notes of the set are there to be
  // found.
  const auto cases = terminal::open_edits(s.set, s.data);
  q::notes::notebook<q::notes::memory_store, q::notes::bm25_retriever> notebook{q::notes::memory_store()};
  const auto ids = q::eren::add_all_notes(notebook, cases);
  q::eren::question_choice choice;
  choice.part = q::data::data_part::development;
  const auto questions = q::eren::questions_of(cases, q::eren::evaluation_questions(cases, choice),
                                               q::eren::learned_from);
  const auto found = q::eren::reader_examples(notebook, questions, ids);
  std::cout << questions.size() << " questions" << std::endl;
  return q::eren::encode_examples(m.tokenizer(), found, q::eren::prompt_form::of(m.tokenizer()));
}

template <class Model>
int run(const Model& m, const settings& s) {
  const auto examples = examples_of(m, s);
  std::cout << examples.size() << " examples, the longest of " << examples.longest() << " tokens" << std::endl;
  q::llama::training_pass pass(m, q::thread_team(s.n_thread), q::llama::tape_depth::everything,
                               s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none);
  q::eren::reader_training_options options;
  options.lora.rank = s.rank;
  options.lora.alpha = 2 * static_cast<double>(s.rank);
  options.learning_rate = s.learning_rate;
  options.n_pass = s.n_pass;
  options.batch_size = s.batch;
  options.seed = s.seed;
  options.save_every = 20;
  options.folder = s.out;
  options.resume = s.run.resume;
  options.overwrite = s.run.overwrite;
  options.trust_unrecorded = s.run.trust_unrecorded;
  options.recipe = {{"--set", s.set}, {"--rank", q::concat(s.rank)}, {"--learning-rate", q::exact_text(s.learning_rate)}};
  options.progress = [&](const q::train::step_report& r) { return training_files::show(r) && r.step != s.n_stop; };
  const double begin = q::steady_seconds();
  const auto trained = q::eren::train_reader(pass, examples, options);
  std::cout << trained.result.step << " steps in " << q::steady_seconds() - begin << " s" << std::endl;
  q::pet::save_peft(s.out + "/adapter", trained.module, m.config(), {.base_model = s.model});
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Teaches a model to read notes and to abstain where they do not tell.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint");
  arguments.option("--set", &s.set, terminal::edit_set_help());
  arguments.required("--data", &s.data, "file of the set");
  arguments.required("--out", &s.out, "folder for checkpoints, log and, at the end, adapter/");
  s.run.add_to(arguments);
  arguments.flag("--bf16", &s.bf16,
                 "round the operands of the model's products to bf16 where the processor has such products");
  arguments.option("--with", &s.with,
                   "with --set hotpot: file of CounterFact-Hard, whose questions on single notes are learned besides");
  arguments.option("--read", &s.n_note, "with --set fever or hotpot: notes for a question; 0: 1 and 3");
  arguments.option("--longest", &s.n_most, "with --set fever or hotpot: leave out examples of more tokens; 0: none");
  arguments.option("--passes", &s.n_pass, "over the examples");
  arguments.option("--stop", &s.n_stop, "write the adapter after so many steps of them; 0: at the end");
  arguments.option("--batch", &s.batch, "examples in a step");
  arguments.option("--rank", &s.rank, "of LoRA; its scale is 2");
  arguments.option("--learning-rate", &s.learning_rate);
  arguments.option("--seed", &s.seed);
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  using any_llama = q::ffn::dense<q::activation::as_stated>;
  return terminal::run([&] {
    s.run.check(s.out);
    return run(q::llama::load<any_llama, q::activations::f32, q::kv::exact>(s.model), s);
  });
}

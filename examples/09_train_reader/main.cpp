// Teaches a model to read notes: LoRA on questions of edits, written as a PEFT folder for `eren_bench compare
// --reader`. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include <quipu/eren/teach/reader_training.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "arguments.hpp"
#include "reader_gate.hpp"
#include "set_examples.hpp"
#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string model, out;
  std::vector<std::string> sets, data, cloze;
  std::vector<double> shares;
  std::size_t n_pass = 2, batch = 16, rank = 8, n_thread = 0, seed = 0, n_note = 0, n_most = 0, n_stop = 0, n_pack = 0,
              near_miss = 0;
  double learning_rate = 1e-3;
  training_files::run_options run;
  bool bf16 = false, store_bf16 = false, with_gate = false, only_gate = false;
  std::size_t n_question = 400;  // of a set, for the gate
};

/// The sets as they are named on the command line, one after the other.
std::vector<example_set> sets_of(const settings& s) {
  std::vector<example_set> all;
  for (std::size_t i = 0; i < s.data.size(); ++i) {
    const std::string name = i < s.sets.size() ? s.sets[i] : "cfh";
    const bool cloze = std::find(s.cloze.begin(), s.cloze.end(), name) != s.cloze.end();
    all.push_back({name, s.data[i], 1.0, s.n_note, s.near_miss, cloze});
  }
  for (std::size_t i = 0; i < s.shares.size(); ++i) {
    if (i >= all.size()) q::fail<q::config_error>("--share", q::concat(all.size(), " at most, one for each --data"), s.shares.size());
    if (!(s.shares[i] > 0)) q::fail<q::config_error>("--share", "a number above 0", s.shares[i]);
    all[i].share = s.shares[i];
  }
  if (s.sets.size() > all.size()) q::fail<q::config_error>("--data", q::concat(s.sets.size(), ", one for each --set"), all.size());
  return all;
}

template <class Model>
int run(const Model& m, const settings& s) {
  const std::vector<example_set> sets = sets_of(s);
  if (s.only_gate) {
    write_reader_gate(m, s.out + "/adapter", sets, s.n_question, q::thread_team(s.n_thread));
    return 0;
  }
  const auto examples = one_pass(m.tokenizer(), sets, {.n_longest = s.n_most, .n_pack = s.n_pack});
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
  std::string learned;
  for (const example_set& set : sets) {
    learned += learned.empty() ? "" : ", ";
    learned += set.share == 1 ? set.name : q::concat(set.name, " ", q::exact_text(set.share));
  }
  options.recipe = {{"--set", learned}, {"--rank", q::concat(s.rank)}, {"--learning-rate", q::exact_text(s.learning_rate)}};
  if (s.n_pack > 0) options.recipe.emplace("--pack", q::concat(s.n_pack));
  const terminal::interrupt_guard ctrl_c;
  options.progress = [&](const q::train::step_report& r) {
    return training_files::show(r) && r.step != s.n_stop && !ctrl_c.interrupted();
  };
  const double begin = q::steady_seconds();
  const auto trained = q::eren::train_reader(pass, examples, options);
  if (ctrl_c.interrupted() && !trained.result.finished) {
    std::cerr << "\nstopped after step " << trained.result.step << ", which is saved: --resume goes on\n";
    return 130;  // as a shell reports Ctrl-C
  }
  std::cout << trained.result.step << " steps in " << q::steady_seconds() - begin << " s" << std::endl;
  q::pet::save_peft(s.out + "/adapter", trained.module, m.config(), {.base_model = s.model, .bf16 = s.store_bf16});
  if (s.with_gate) write_reader_gate(m, s.out + "/adapter", sets, s.n_question, q::thread_team(s.n_thread));
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Teaches a model to read notes and to abstain where they do not tell.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint");
  arguments.repeated("--set", &s.sets, q::concat(terminal::edit_set_help(), "; one for each --data, cfh if not given"));
  arguments.required("--data", &s.data, "file of the set; several are learned together");
  arguments.repeated("--share", &s.shares, "of the examples of that set in a pass; above 1 some come twice");
  arguments.required("--out", &s.out, "folder for checkpoints, log and, at the end, adapter/");
  s.run.add_to(arguments);
  arguments.flag("--bf16", &s.bf16,
                 "round the operands of the model's products to bf16 where the processor has such products");
  arguments.flag("--store-bf16", &s.store_bf16, "write the adapter's values in bf16: half the size");
  arguments.flag("--gate", &s.with_gate,
                 "fit a gate on what is held back of the sets, as gate.json beside the adapter: editors then take the folder");
  arguments.flag("--only-gate", &s.only_gate, "fit the gate of the adapter that is in --out, and nothing else");
  arguments.option("--gate-questions", &s.n_question, "of each set at most");
  arguments.option("--read", &s.n_note, "notes for a question that needs several; 0: three of hotpot, one of fever, else two");
  arguments.option("--longest", &s.n_most, "leave out examples of more tokens; 0: none");
  arguments.option("--pack", &s.n_pack, "questions on the same notes in one sequence; 0: each in its own");
  arguments.option("--near-miss", &s.near_miss,
                   "one in so many answerable questions is also asked about the next best note; 0: none");
  arguments.repeated("--cloze", &s.cloze, "name of a set that is also asked with the beginnings of notes, of its own and of others");
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
    if (!s.only_gate) s.run.check(s.out);
    return run(q::llama::load<any_llama, q::activations::f32, q::kv::exact>(s.model), s);
  });
}

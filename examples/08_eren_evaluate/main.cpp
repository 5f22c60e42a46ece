// Measures editors on sets of edits: ours, the paper's, and what they are compared with; fits gates.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <quipu/data/open_set.hpp>
#include <quipu/eren/baseline_readers.hpp>
#include <quipu/eren/gate_study.hpp>
#include <quipu/eren/generating_reader.hpp>
#include <quipu/eren/option_reader.hpp>
#include <quipu/llama/load.hpp>

#include "arguments.hpp"
#include "baselines.hpp"
#include "bench.hpp"
#include "gate_header.hpp"
#include "gate_study.hpp"
#include "reader_study.hpp"
#include "set_study.hpp"
#include "unlabelled_study.hpp"

template <class Retriever = q::notes::bm25_retriever, class Model, class Reader, class Gate>
records_t measure(const Model& m, const settings& s, const study_set& set, const std::string& name, Reader reader,
                  Gate gate) {
  bench<Model, Reader, Gate, Retriever> b(m, s, set, std::move(reader), std::move(gate));
  if constexpr (requires { b.editor.gate().set_model(q::eren::gate_model{}); }) {
    if (!s.gate().empty()) b.editor.load_gate(s.gate());
  }
  return q::eren::evaluate(b.editor, set.questions, b.ids, options_of(s, name));
}

template <class Model>
records_t run_method(const Model& m, const settings& s, const study_set& set, const std::string& name) {
  using q::eren::extractive_reader;
  const q::eren::similarity_gate similar{.threshold = s.threshold};
  if (name == "eren" && s.set == "fever")
    return measure(m, s, set, name, q::eren::option_reader(), q::eren::abstention_gate());
  if (name == "eren" && s.probe)
    return measure(m, s, set, name, extractive_reader(), probed_gate({}, {}, q::eren::probe{s.depth}));
  if (name == "eren") return measure(m, s, set, name, extractive_reader(), q::eren::default_gate());
  if (name == "two-step") return measure(m, s, set, name, q::eren::two_step_reader(), q::eren::abstention_gate());
  if (name == "two-step-chat")
    return measure(m, s, set, name, q::eren::two_step_chat_reader(), q::eren::abstention_gate());
  if (name == "one-step") return measure(m, s, set, name, q::eren::one_step_chat_reader(), q::eren::open_gate());
  if (name == "always") return measure(m, s, set, name, extractive_reader(), q::eren::open_gate());
  if (name == "similarity") return measure(m, s, set, name, extractive_reader(), similar);
  if (name == "scr") return measure(m, s, set, name, q::eren::scr_reader(), q::eren::abstention_gate());
  if (name == "ike") return measure(m, s, set, name, q::eren::ike_reader(), q::eren::open_gate());
  if (name == "unedited") return records_t(set.questions.size());
  if (name == "fine-tuned") return run_fine_tuned(m, s, set, name);
  if (name == "mello") return run_mello(m, s, set, name);
  if (name == "reader" && s.set == "fever") {
    return s.gates.empty() ? measure(m, s, set, name, taught_claims(m, s), q::eren::margin_gate())
                           : measure(m, s, set, name, taught_claims(m, s), margin_only());
  }
  if (name == "reader" && s.set == "hotpot") {
    return s.gates.empty() ? measure<two_hops>(m, s, set, name, taught_joint(m, s), q::eren::margin_gate())
                           : measure<two_hops>(m, s, set, name, taught_joint(m, s), margin_only());
  }
  if (name == "reader" && s.gates.empty()) return measure(m, s, set, name, taught_reader(m, s), q::eren::margin_gate());
  if (name == "reader") return measure(m, s, set, name, taught_reader(m, s), margin_only());
  if (name == "joined" && s.probe)
    return measure(m, s, set, name, taught_reader(m, s), joined(m, s, probed_gate({}, {}, q::eren::probe{s.depth})));
  if (name == "joined") return measure(m, s, set, name, taught_reader(m, s), joined(m, s, q::eren::default_gate()));
  const auto free_reader = [&](bool must_answer) {
    return q::eren::taught_generating_reader<>({.must_answer = must_answer}, {}, taught_reader(m, s).adapter());
  };
  if (name == "free") return measure(m, s, set, name, free_reader(false), q::eren::abstention_gate());
  if (name == "free-always") return measure(m, s, set, name, free_reader(true), q::eren::open_gate());
  q::fail<q::config_error>("--method",
                           "eren, two-step, two-step-chat, one-step, always, similarity, scr, ike, mello, fine-tuned, "
                           "unedited, reader, joined, free or free-always",
                           name);
}

// Reads the development part once, fits a gate on it out of fold, keeps it in a file.
template <class Gate, class Model>
int fit(const Model& m, const settings& s, study_set set, Gate gate) {
  bench<Model, q::eren::extractive_reader, Gate> b(m, s, set, {}, std::move(gate));
  auto studied = q::eren::study(b.editor, set.questions, b.ids, options_of(s, s.probe ? "probe" : "words"));
  if (s.held_out) {  // what readers were not trained on is for joining them with this gate
    std::vector<q::eren::evaluation_question> questions;
    std::vector<q::eren::studied_question> rest;
    for (std::size_t i = 0; i < studied.size(); ++i) {
      if (q::eren::held_back(set.cases[set.questions[i].edit].id)) continue;
      questions.push_back(std::move(set.questions[i]));
      rest.push_back(std::move(studied[i]));
    }
    set.questions = std::move(questions);
    studied = std::move(rest);
  }
  const auto samples = q::eren::samples_of(set.cases, set.questions, studied);
  q::eren::gate_fit_options options;
  auto weights = q::eren::full_set_weights();
  if (s.judge != "all") {
    for (auto& [group, weight] : weights) weight = group == s.judge ? 1 : 1e-9;
  }
  options.quality = q::eren::quality_of(set.questions, studied, weights);
  if (s.damage > 0) options.damage = s.damage;
  const auto& g = b.editor.gate();
  const q::eren::gate_fit result = q::eren::fit_gate(samples, g.names(), g.n_cheap(), g.probe_at(), options);
  const records_t records = q::eren::records_of(studied, result.scores, result.model.threshold);
  const q::eren::evaluated_editor row{"development part, out of fold", set.questions, records};
  const std::string table = q::eren::evaluation_table({&row, 1}).markdown();
  std::cout << table;
  if (!s.gate().empty()) q::eren::save_gate(s.gate(), result.model, b.editor.keys());
  if (!s.header.empty()) q::eren::write_text(s.header, gate_header(result.model, table));
  return 0;
}

// The questions that the settings ask for.
void choose_questions(const settings& s, study_set& set) {
  const std::map<std::string, q::data::data_part> parts = {{"development", q::data::data_part::development},
                                                           {"test", q::data::data_part::test}};
  q::eren::question_choice choice;
  choice.n_edit = s.n_live != 0 ? s.n_live : s.n_edit;
  if (const auto part = parts.find(s.fit ? "development" : s.part); part != parts.end()) choice.part = part->second;
  set.questions = q::eren::evaluation_questions(set.cases, choice);
  if (s.in_scope)
    std::erase_if(set.questions,
                  [](const auto& question) { return question.kind != q::eren::question_kind::in_scope; });
  if ((s.fit || s.held_out) && !s.reader.empty())
    set.questions = q::eren::questions_of(set.cases, std::move(set.questions), q::eren::held_back);
}

// Every method with every number of live edits; the unedited model answers a question once.
template <class Model>
int compare(const Model& m, const settings& s, const study_set& whole) {
  const bool ladder = s.lives.size() > 1;
  std::map<std::string, std::string> unedited;
  std::list<study_set> sets;
  std::list<records_t> results;
  std::vector<q::eren::evaluated_editor> rows;
  for (const std::size_t n_live : s.lives) {
    settings one = s;
    one.n_live = n_live;
    one.unedited = &unedited;
    study_set& set = sets.emplace_back(whole);
    choose_questions(one, set);
    for (const std::string& name : s.methods) {
      const records_t& records = results.emplace_back(run_method(m, one, set, name));
      rows.push_back({ladder ? q::concat(name, ", ", n_live == 0 ? "all" : std::to_string(n_live), " live") : name,
                      set.questions, records,
                      s.fallback || name == "fine-tuned" ? q::report::preservation_rule::abstained_or_unchanged
                                                         : q::report::preservation_rule::abstained});
    }
  }
  show(rows, s);
  if (!s.fallback) return 0;
  for (const auto& row : rows) {
    const auto [rejected, identical] = q::eren::count_untouched(row.records);
    std::cout << row.name << ": " << identical << " of " << rejected
              << " questions left alone have the unedited model's answer byte for byte\n";
    if (s.batch == 1) std::cout << q::eren::cost_table(row.records).markdown();
  }
  return 0;
}

template <class Model>
int run(const Model& m, const settings& s) {
  study_set set{q::data::open_edit_set(s.set, s.data), {}};
  if (s.no_labels) return fit_unlabelled(m, s, set);
  if (!s.fit && !s.study && !s.relations) return compare(m, s, set);
  choose_questions(s, set);
  if (s.study && (s.set == "fever" || s.set == "hotpot")) return study_set_gates(m, s, set);
  if (!s.reader.empty() && (s.fit || s.study)) return study_reader(m, s, std::move(set));
  if (s.study) return study_frozen(m, s, set);
  if (s.relations && s.passes) return study_gates(m, s, std::move(set), "passes", passes_gate());
  if (s.relations && s.probe)
    return study_gates(m, s, std::move(set), "probe", probed_gate({}, {}, q::eren::probe{s.depth}));
  if (s.relations) return study_gates(m, s, std::move(set), "words", q::eren::default_gate());
  if (s.fit && s.methods.front() == "similarity") return fit_similarity(m, s, set);
  if (s.fit && s.probe) return fit(m, s, std::move(set), probed_gate({}, {}, q::eren::probe{s.depth}));
  return fit(m, s, std::move(set), q::eren::default_gate());
}

int main(int argc, char** argv) {
  terminal::arguments arguments(
      "Measures editing by notes: edit success, preservation, quality, with bootstrap intervals.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint");
  arguments.option("--set", &s.set, "cfh, fever, hotpot, knowedit or mquake");
  arguments.required("--data", &s.data, "file of the set");
  arguments.option("--part", &s.part, "development, test or all");
  arguments.option("--edits", &s.n_edit, "edits whose questions are asked; 0: all of the part. All notes are live");
  arguments.option("--live", &s.lives,
                   "only so many notes are live, and their questions asked; several make a table, 0 stands for all");
  arguments.option("--method", &s.methods,
                   "eren, two-step, two-step-chat, one-step, always, similarity, scr, ike, mello, fine-tuned, "
                   "unedited; with --reader: reader, joined, free, free-always; several make a table");
  arguments.option("--read", &s.n_note, "notes for a question; 0: as the reader wants");
  arguments.option("--gate", &s.gates, "gate file: written by --fit, used without it; with --study several");
  arguments.option("--reader", &s.reader, "PEFT folder of a trained reader, see 09_train_reader");
  arguments.option("--second", &s.second,
                   "with --reader: gate file of the model without the adapter, whose score joins the reader's margin");
  arguments.flag("--study", &s.study,
                 "read the questions once, and show all of --gate on them (with --reader: gates of that reader); with "
                 "FEVER and HotpotQA: choose thresholds on the development part and show them");
  arguments.flag(
      "--held-back", &s.held_out,
      "with --reader: ask only the edits that readers are not trained on; with --fit alone: leave these out");
  arguments.flag("--in-scope", &s.in_scope, "only questions that the notes answer");
  arguments.flag("--probe", &s.probe, "the gate has a probe of the hidden state");
  arguments.option("--depth", &s.depth, "blocks behind which the probe looks");
  arguments.flag("--passes", &s.passes,
                 "with --relations: features that take passes of their own (likelihood of question and note)");
  arguments.flag("--relations", &s.relations,
                 "fit on the development part and judge the other with half of the relations held out, and by stated "
                 "damage rates");
  arguments.flag("--fit", &s.fit, "fit a gate on the development part");
  arguments.flag("--no-labels", &s.no_labels,
                 "make a gate from the notes alone, by questions that the model writes for them");
  arguments.option("--damage", &s.damage,
                   "with --fit: rate of wrong overrides for the conformal threshold, in place of the best EQ");
  arguments.option("--judge", &s.judge,
                   "with --fit: group of unrelated questions whose EQ the threshold is chosen by, or all");
  arguments.option("--header", &s.header, "with --fit: write the gate as a C++ header too");
  arguments.option("--threshold", &s.threshold,
                   "of the method 'similarity'; with --fit --method similarity the best one is printed");
  arguments.flag("--bf16", &s.bf16,
                 "of the method 'fine-tuned': train with products of bf16 where the processor has them");
  arguments.flag("--fallback", &s.fallback, "run the unedited model too, and compare with it");
  arguments.option("--tokens", &s.n_token, "longest answer that is generated");
  arguments.option("--batch", &s.batch,
                   "questions considered together; with --fallback, 1 prints what each stage costs");
  arguments.option("--resume", &s.resume, "beginning of the names of files to go on from");
  arguments.option("--report", &s.report, "beginning of the names of reports (.md, .json, .svg)");
  arguments.option("--threads", &s.n_thread, "threads; 0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] { return run(q::llama::load<q::activations::f32, q::kv::exact>(s.model), s); });
}

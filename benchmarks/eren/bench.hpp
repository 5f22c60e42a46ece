/// @file What all commands share: the model, the set, an editor on its notes, and the table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/data/edit_case.hpp>
#include <quipu/eren/default_reader.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/llama/session.hpp>  // open_session
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "settings.hpp"

namespace q = quipu;
using model_t = q::llama::model<q::activations::f32, q::kv::exact>;
using probed_gate = q::eren::fitted_gate<q::eren::lexical, q::eren::read_log_probs, q::eren::probe>;
using records_t = std::vector<q::eren::evaluation_record>;

struct study_set {
  std::vector<q::data::edit_case> cases;  // all of the set
  std::vector<q::eren::evaluation_question> questions;
};

[[nodiscard]] model_t open_model(const settings& s);
/// The set without questions.
[[nodiscard]] study_set open_set(const settings& s);
/// The questions that the settings ask for.
void choose_questions(const settings& s, study_set& set);
[[nodiscard]] q::eren::evaluation_options options_of(const settings& s, const std::string& name);
/// The application of the benchmark: short answers, by the model's chat template.
[[nodiscard]] q::eren::application_prompt short_answers(const model_t& m);
/// Settings of every editor of the benchmark: its application, and both of two notes that contradict each other stay.
[[nodiscard]] q::eren::editor_options editor_options_of(const model_t& m, const settings& s);
/// The table on the terminal and, with `--report`, in files.
struct table_row {
  std::string name;
  const std::vector<q::eren::evaluation_question>& questions;
  const records_t& records;
  q::report::preservation_rule rule = q::report::preservation_rule::abstained;
};
void show(const std::vector<table_row>& rows, const settings& s);

// An editor on a set's notes, all live or the first `n_live` of the part.
template <class Reader, class Gate, class Retriever = q::notes::bm25_retriever>
struct bench {
  using editor_t = q::eren::editor<model_t, q::notes::memory_store, Retriever, Reader, Gate>;
  editor_t editor;
  std::vector<std::vector<q::notes::note_id>> ids;

  bench(const model_t& m, const settings& s, const study_set& set, Reader reader, Gate gate)
      : editor(m, q::notes::memory_store(), Retriever(), std::move(reader), std::move(gate), editor_options_of(m, s)) {
    add(s, set);
  }
  /// The editor makes reader and gate itself, from the folder of `--readers`.
  bench(const model_t& m, const settings& s, const study_set& set)
      : editor(m, q::notes::memory_store(), editor_options_of(m, s)) {
    add(s, set);
  }

 private:
  void add(const settings& s, const study_set& set) {
    std::vector<q::data::edit_case> live = set.cases;
    if (s.n_live != 0) {
      std::vector<bool> keep(live.size());
      for (const auto& question : set.questions) keep[question.edit] = true;
      for (std::size_t i = 0; i < live.size(); ++i) {
        if (!keep[i]) live[i].notes.clear();
      }
    }
    ids = q::eren::add_all_notes(editor, live);
  }
};
/// What an application gets that names nothing but model and store.
using default_bench = bench<q::eren::default_reader, q::eren::default_gate, q::notes::default_retriever>;
static_assert(std::is_same_v<default_bench::editor_t, q::eren::editor<model_t, q::notes::memory_store>>);

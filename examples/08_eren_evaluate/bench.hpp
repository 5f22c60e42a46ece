/// @file What all evaluations share: settings, the set, an editor on its notes, and the table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/cost_table.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/evaluation_report.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "terminal.hpp"

namespace q = quipu;
using probed_gate = q::eren::fitted_gate<q::eren::lexical, q::eren::read_log_probs, q::eren::probe>;
using records_t = std::vector<q::eren::evaluation_record>;

struct settings {
  std::string model, set = "cfh", data, part = "test", resume, report, header, judge = "all", reader, second;
  std::vector<std::string> methods = {"eren"}, gates;
  std::vector<std::size_t> lives = {0};
  std::size_t n_edit = 0, n_live = 0, n_note = 0, n_thread = 0, depth = 20, batch = 16, n_token = 16;
  double threshold = 0.6, damage = 0;
  bool fit = false, probe = false, fallback = false, held_out = false, study = false, in_scope = false, passes = false,
       relations = false, no_labels = false, bf16 = false;

  std::map<std::string, std::string>* unedited = nullptr;  // the unedited model's answers, shared by all runs

  /// The gate that is written, or used where one is: the first.
  [[nodiscard]] std::string gate() const { return gates.empty() ? std::string() : gates.front(); }
};

struct study_set {
  std::vector<q::data::edit_case> cases;        // all of the set
  std::vector<q::eren::evaluation_question> questions;
};

// The application of the benchmark: short answers, by the model's chat template.
template <class Model>
q::eren::application_prompt short_answers(const Model& m) {
  return [m, form = q::eren::prompt_form::of(m.tokenizer())](std::string_view question) {
    return form.encode(m.tokenizer(),
                       {{{"system", "Answer with a few words only."}, {"user", std::string(question)}}, "Answer:"});
  };
}

// An editor on a set's notes, all live or the first `n_live` of the part.
template <class Model, class Reader, class Gate, class Retriever = q::notes::bm25_retriever>
struct bench {
  using editor_t = q::eren::editor<Model, q::notes::memory_store, Retriever, Reader, Gate>;
  editor_t editor;
  std::vector<std::vector<q::notes::note_id>> ids;

  bench(const Model& m, const settings& s, const study_set& set, Reader reader, Gate gate)
      : editor(m, q::notes::memory_store(), Retriever(), std::move(reader), std::move(gate),
               {.n_note = s.n_note,
                .generate = {.max_tokens = s.n_token, .stop = {"\n"}},
                .prompt = short_answers(m),
                .team = q::thread_team(s.n_thread),
                .on_conflict = q::notes::conflict_policy::keep_both}) {
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

inline q::eren::evaluation_options options_of(const settings& s, const std::string& name) {
  return {.protocol = s.fallback ? q::eren::evaluation_protocol::run_fallback
                                 : q::eren::evaluation_protocol::abstention_is_preserved,
          .resume = s.resume.empty()
                        ? std::string()
                        : q::concat(s.resume, ".", name, s.n_live == 0 ? "" : q::concat(".live", s.n_live), ".jsonl"),
          .fingerprint = q::concat(s.set, " ", s.part, " ", s.n_edit, " ", s.n_live, " ", name, " ", s.threshold, " ",
                                   s.fit || s.study || s.no_labels ? std::string() : s.gate(),
                                   s.n_token == 16 ? "" : q::concat(" ", s.n_token, " tokens")),
          .batch = s.batch,
          .progress = terminal::progress_bar(),
          .unedited = s.unedited};
}

/// The table on the terminal and, with `--report`, in files.
inline void show(const std::vector<q::eren::evaluated_editor>& rows, const settings& s) {
  const q::report::table table = q::eren::evaluation_table(rows);
  std::cout << table.markdown();
  for (const auto& row : rows) {
    std::size_t n_own = 0, n_right = 0, n_asked = 0, n_contained = 0;
    for (std::size_t i = 0; i < row.records.size(); ++i) {
      if (row.questions[i].kind != q::eren::question_kind::in_scope) continue;
      ++n_asked;
      const auto inside = [&](const std::string& accepted) {
        return q::report::answer_contains(row.records[i].text, accepted);
      };
      n_contained += std::any_of(row.questions[i].accepted.begin(), row.questions[i].accepted.end(), inside) ? 1 : 0;
      if (!row.records[i].own_note) continue;
      ++n_own;
      n_right += q::eren::outcome_of(row.questions[i], row.records[i]).right ? 1 : 0;
    }
    if (n_own != 0)
      std::cout << row.name << ": " << n_right << " of " << n_own
                << " questions answered from the right note are right\n";
    if (n_asked != 0)
      std::cout << row.name << ": " << n_contained << " of " << n_asked
                << " answers in scope contain the right words\n";
  }
  if (s.report.empty()) return;
  q::eren::write_text(s.report + ".md", table.markdown());
  q::eren::write_text(s.report + ".json", table.json().dump(1));
  q::eren::write_text(s.report + ".svg", q::eren::score_chart(rows.front()));
}

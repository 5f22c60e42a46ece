// Opening model and set, choosing questions, printing tables.
// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <algorithm>
#include <iostream>
#include <map>

#include <quipu/core/clock.hpp>
#include <quipu/eren/study/evaluation_report.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/llama/load.hpp>

#include "edit_sets.hpp"
#include "terminal.hpp"

model_t open_model(const settings& s) { return q::llama::load<q::activations::f32, q::kv::exact>(s.model); }

study_set open_set(const settings& s) { return {terminal::open_edits(s.set, s.data), {}}; }

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

q::eren::evaluation_options options_of(const settings& s, const std::string& name) {
  return {.protocol = s.fallback ? q::eren::evaluation_protocol::run_fallback
                                 : q::eren::evaluation_protocol::abstention_is_preserved,
          .resume = s.resume.empty()
                        ? std::string()
                        : q::concat(s.resume, ".", name, s.n_live == 0 ? "" : q::concat(".live", s.n_live), ".jsonl"),
          .fingerprint = q::concat(s.set, " ", s.part, " ", s.n_edit, " ", s.n_live, " ", name, " ", s.threshold, " ",
                                   s.fit || s.study || s.no_labels ? std::string() : s.gate(),
                                   s.n_token == 16 ? "" : q::concat(" ", s.n_token, " tokens")),
          .batch = s.batch,
          .progress = [bar = terminal::progress_bar(), deadline = s.deadline](const q::progress_state& p) mutable {
            return bar(p) && (deadline == 0 || p.done == p.total || q::steady_seconds() < deadline);
          },
          .unedited = s.unedited};
}

q::eren::application_prompt short_answers(const model_t& m) {
  return [m, form = q::eren::prompt_form::of(m.tokenizer())](std::string_view question) {
    return form.encode(m.tokenizer(),
                       {{{"system", "Answer with a few words only."}, {"user", std::string(question)}}, "Answer:"});
  };
}

q::eren::editor_options editor_options_of(const model_t& m, const settings& s) {
  return {.n_note = s.n_note,
          .generate = {.max_tokens = s.n_token, .stop = {"\n"}},
          .prompt = short_answers(m),
          .team = q::thread_team(s.n_thread),
          .on_conflict = q::notes::conflict_policy::keep_both,
          .readers = s.readers};
}

void show(const std::vector<table_row>& all, const settings& s) {
  std::vector<q::eren::evaluated_editor> rows;
  for (const table_row& row : all) rows.push_back({row.name, row.questions, row.records, row.rule});
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
  q::io::write_text(s.report + ".md", table.markdown());
  q::io::write_text(s.report + ".json", table.json().dump(1));
  q::io::write_text(s.report + ".svg", q::eren::score_chart(rows.front()));
}

// FEVER and HotpotQA: similarity thresholds, the reader's margin and both together on one reading of a part.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/reading/option_reader.hpp>
#include <quipu/eren/study/held_out.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/report/metrics.hpp>
#include <quipu/report/table.hpp>
#include <quipu/statistics/calibration.hpp>

#include "candidate_gate.hpp"
#include "studies.hpp"
#include "taught_readers.hpp"

namespace {

using evidence_gate = q::eren::fitted_gate<q::eren::lexical, q::eren::read_log_probs>;

/// Scores of gates on a part, with success on the edits that turn the answer.
q::report::table set_table(const std::vector<std::pair<const candidate_gate*, const q::eren::studied_part*>>& rows) {
  q::report::table out({{"gate"},
                        {"edits", 0},
                        {"questions", 0},
                        {"threshold", 3},
                        {"ES"},
                        {"ES flipping"},
                        {"BP"},
                        {"EQ"},
                        {"EQ low"},
                        {"EQ high"},
                        {"AUROC", 3}});
  for (const auto& [gate, part] : rows) {
    const q::eren::evaluation_scores scores(part->questions, gate->records);
    const q::report::edit_scores total = scores.total();
    const auto interval = scores.interval([](const q::report::edit_scores& one) { return one.quality(); });
    std::vector<double> positives, negatives;
    for (std::size_t i = 0; i < gate->records.size(); ++i) {
      (part->questions[i].kind == q::eren::question_kind::in_scope ? positives : negatives)
          .push_back(gate->records[i].score);
    }
    const auto area = q::report::auroc(positives, negatives);
    out.add_row({gate->name, static_cast<std::int64_t>(scores.n_edit()),
                 static_cast<std::int64_t>(gate->records.size()), gate->model.threshold,
                 q::report::percent(total.success().rate()), q::report::percent(total.flipping().rate()),
                 q::report::percent(total.preservation()), q::report::percent(total.quality()),
                 interval ? q::report::cell(100 * interval->low) : q::report::cell(),
                 interval ? q::report::cell(100 * interval->high) : q::report::cell(),
                 area ? q::report::cell(*area) : q::report::cell()});
  }
  return out;
}

/// What limits success: were the notes found, and is the answer right from them.
template <class Editor>
void show_limits(const Editor& editor, const q::eren::studied_part& part,
                 const std::vector<std::vector<q::notes::note_id>>& ids, std::size_t n_note) {
  std::size_t n[2] = {}, n_right[2] = {};  // all of the edit's notes among those read, or not
  for (std::size_t i = 0; i < part.studied.size(); ++i) {
    if (part.questions[i].kind != q::eren::question_kind::in_scope) continue;
    const auto found = editor.notebook().retrieve(part.questions[i].question, n_note);
    const auto& own = ids[part.questions[i].edit];
    const bool all = std::all_of(own.begin(), own.end(), [&](q::notes::note_id id) {
      return std::any_of(found.begin(), found.end(), [&](const auto& hit) { return hit.id == id; });
    });
    ++n[all];
    n_right[all] += part.studied[i].right ? 1 : 0;
  }
  std::cout << "in scope: all notes found for " << n[1] << " of " << n[0] + n[1] << ", of these right " << n_right[1]
            << "; of the others " << n_right[0] << " of " << n[0] << '\n';
}

/// Thresholds and weights from the development part (with an adapter: from its edits held back in training), every gate
/// shown on both parts; "best there is" has the threshold that is best on the part itself.
template <class Retriever, class Reader>
int study_gates_of_set(const model_t& m, const settings& s, const study_set& set, const std::string& name,
                       Reader reader) {
  bench<Reader, evidence_gate, Retriever> b(m, s, set, std::move(reader), evidence_gate());
  q::eren::question_choice choice;
  choice.part = q::data::data_part::development;
  q::eren::studied_part chosen{q::eren::evaluation_questions(set.cases, choice), {}}, judged{set.questions, {}};
  if (!s.reader.empty() || s.held_out)
    chosen.questions = q::eren::questions_of(set.cases, std::move(chosen.questions), q::eren::held_back);
  const std::vector<std::string> names = b.editor.gate().names();
  settings on_development = s;  // the same whatever is judged
  on_development.part = "development";
  on_development.n_edit = 0;
  chosen.studied = q::eren::study(b.editor, chosen.questions, b.ids, options_of(on_development, name));
  const q::eren::gate_quality quality = q::eren::quality_of(chosen.questions, chosen.studied);

  std::list<candidate_gate> gates;
  const auto with_best_threshold = [&](const std::string& title, const std::string& feature,
                                       const q::eren::studied_part& part) {
    const q::eren::gate_quality own = q::eren::quality_of(part.questions, part.studied);
    candidate_gate g(title, q::eren::gate_of_feature(feature), part.studied, names);
    g.model.threshold = q::statistics::best_threshold(g.scores, [&](double t) { return own(t, g.scores); });
    return g.model;
  };
  std::vector<std::pair<std::string, q::eren::gate_model>> models;
  q::eren::gate_model open = q::eren::gate_of_feature("char");
  open.threshold = -1;  // cosines are never below 0
  models.emplace_back("always", open);
  models.emplace_back("margin, threshold 0", q::eren::gate_of_feature("ans_v-u"));
  for (const auto& [title, feature] : {std::pair("similarity (BM25)", "bm25"),
                                       std::pair("similarity (n-grams)", "char"), std::pair("margin", "ans_v-u")}) {
    models.emplace_back(title, with_best_threshold(title, feature, chosen));
  }
  std::vector<std::pair<const candidate_gate*, const q::eren::studied_part*>> rows;
  const auto show_on = [&](const std::string& part_name, const q::eren::studied_part& part) {
    for (const auto& [title, model] : models) {
      candidate_gate& g = gates.emplace_back(part_name + title, model, part.studied, names);
      rows.emplace_back(&g, &part);
    }
    for (const char* feature : {"bm25", "char", "ans_v-u"}) {
      candidate_gate& g = gates.emplace_back(q::concat(part_name, feature, ", best there is"),
                                             with_best_threshold(feature, feature, part), part.studied, names);
      rows.emplace_back(&g, &part);
    }
  };
  const auto fit = [&](const std::string& title, const std::vector<std::string>& features) {
    std::vector<std::size_t> columns;
    for (const std::string& feature : features)
      columns.push_back(static_cast<std::size_t>(std::find(names.begin(), names.end(), feature) - names.begin()));
    const q::eren::gate_fit f =
        q::eren::fit_gate(q::eren::samples_of(set.cases, chosen.questions, chosen.studied, columns), features, 0, {},
                          {.quality = quality});
    candidate_gate& g = gates.emplace_back("development: " + title + ", out of fold", f.model, chosen.studied, names);
    g.scores = f.scores;
    g.score(chosen.studied);
    rows.emplace_back(&g, &chosen);
    models.emplace_back(title, f.model);
  };
  show_on("development: ", chosen);
  fit("margin and similarity", {"bm25", "char", "ans_v-u"});
  fit("margin and words", names);
  std::cout << set_table(rows).markdown();
  show_limits(b.editor, chosen, b.ids, s.n_note == 0 ? Reader::n_note : s.n_note);
  if (!s.gate().empty()) {  // for `--method reader`
    q::eren::gate_model margin = q::eren::gate_of_feature("margin");
    margin.threshold = models.at(4).second.threshold;
    q::eren::save_gate(s.gate(), margin, q::eren::gate_workshop(b.editor).keys());
  }
  if (s.fit) return 0;
  judged.studied = q::eren::study(b.editor, judged.questions, b.ids, options_of(s, name + ".judged"));
  rows.clear();
  show_on({}, judged);
  const q::report::table table = set_table(rows);
  std::cout << '\n' << table.markdown();
  show_limits(b.editor, judged, b.ids, s.n_note == 0 ? Reader::n_note : s.n_note);
  if (!s.report.empty()) {
    q::io::write_text(s.report + ".md", table.markdown());
    q::io::write_text(s.report + ".json", table.json().dump(1));
  }
  return 0;
}

}  // namespace

int study_set_gates(const model_t& m, const settings& s, const study_set& set) {
  using one_hop = q::notes::bm25_retriever;
  if (s.set == "fever" && s.reader.empty())
    return study_gates_of_set<one_hop>(m, s, set, "claims", q::eren::option_reader());
  if (s.set == "fever") return study_gates_of_set<one_hop>(m, s, set, "taught", taught_claims(m, s));
  if (!s.reader.empty()) return study_gates_of_set<two_hops>(m, s, set, "taught", taught_joint(m, s));
  if (s.n_note == 1) return study_gates_of_set<one_hop>(m, s, set, "words", q::eren::extractive_reader());
  return study_gates_of_set<two_hops>(m, s, set, "one-step", q::eren::one_step_chat_reader());
}

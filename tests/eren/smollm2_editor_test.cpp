// The whole editor on a real model.
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/data/eren_sets.hpp>
#include <quipu/eren/contradiction.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/sqlite_store.hpp>
#include <quipu/report/metrics.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

namespace q = quipu;
using namespace quipu;

namespace {

// CounterFact-Hard, or nothing if it is missing, which is then reported.
std::vector<data::edit_case> hard_cases() {
  const auto path = test::shared_root() / "data" / "edit" / "eren" / "cfh_filtered.json";
  if (!test::have(path)) return {};
  return data::read_counterfact_hard(path.string());
}

}  // namespace

TEST_CASE("the example of the front page: Norway's capital from a note, Hamlet as ever", "[eren][smollm2_editor]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const test::temp_folder folder;
  auto model = q::llama::load<q::ffn::dense<q::activation::silu>>(path.string());
  using editor_t = q::eren::editor<decltype(model), q::notes::sqlite_store, q::notes::bm25_retriever, q::eren::extractive_reader>;
  editor_t editor{model, q::notes::sqlite_store{folder.file("notes.db")}, {.generate = {.max_tokens = 12}}};
  const std::string hamlet = "Who wrote Hamlet?", norway = "What is the capital of Norway?";
  const std::vector<std::string> others = {hamlet, norway, "Who is the prime minister of Norway?",
                                           "What is the capital of Sweden?"};
  // What an application without any editor would get.
  std::vector<std::string> plain;
  for (const std::string& question : others) {
    auto s = q::llama::open_session(model);
    plain.push_back(
        q::llama::generate(s, model.tokenizer(), s.create(), editor.application_ids(question), {.max_tokens = 12})
            .text);
  }
  for (std::size_t i = 0; i < others.size(); ++i) CHECK(editor.answer(others[i]).text == plain[i]);

  const auto id = editor.add_note("The capital of Norway is Bergen.").id;
  auto a = editor.answer(norway);
  CHECK(a.text == "Bergen");
  CHECK(a.source == q::eren::read_note);
  CHECK(a.notes == std::vector<q::notes::note_id>{id});
  CHECK(a.probability > 0.5);
  auto b = editor.answer(hamlet);
  CHECK(b.source == q::eren::own_knowledge);
  CHECK(b.text == plain[0]);
  CHECK(b.trace.candidates.empty());  // no note mentions him: nothing was read
  // The same subject, another fact, read in between: the plain path is not disturbed by what was cached.
  const auto c = editor.answer(others[2]);
  CHECK(c.source == q::eren::own_knowledge);
  CHECK(c.text == plain[2]);
  const auto d = editor.answer(others[3]);
  CHECK(d.source == q::eren::own_knowledge);
  CHECK(d.text == plain[3]);

  CHECK(editor.erase(id));
  for (std::size_t i = 0; i < others.size(); ++i) {
    const auto restored = editor.answer(others[i]);
    CHECK(restored.text == plain[i]);
    CHECK(restored.source == q::eren::own_knowledge);
  }
  editor.undo();
  CHECK(editor.answer(norway).text == "Bergen");
  editor.undo_to(0);
  CHECK(editor.answer(norway).text == plain[1]);
}

TEST_CASE("rejected questions of CounterFact-Hard: the unedited model's bytes; accepted ones: the notes' words",
          "[eren][smollm2_editor]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto cases = hard_cases();
  if (cases.empty()) return;
  auto model = llama::load<activations::f32>(path.string());
  using editor_t = eren::editor<decltype(model), notes::memory_store, notes::bm25_retriever, eren::extractive_reader>;
  editor_t editor{
      model, notes::memory_store(), {.generate = {.max_tokens = 4}, .on_conflict = notes::conflict_policy::keep_both}};
  std::vector<notes::note> all;
  for (const auto& c : cases) all.push_back({.text = c.notes.front()});
  editor.add_notes(all);
  // A few edits of the test part: the gate must be right more often than not on every kind of question.
  std::size_t n_scope = 0, n_hit = 0, n_other = 0, n_kept = 0;
  std::vector<std::string> rejected;
  for (std::size_t i = 0; i < cases.size() && n_other < 60; i += 37) {
    if (data::part_of(cases[i]) == data::data_part::development) continue;
    std::vector<std::string> questions;
    std::vector<bool> scope;
    for (const auto& p : cases[i].in_scope) {
      questions.push_back(p.question);
      scope.push_back(true);
    }
    for (const auto& g : cases[i].unrelated) {
      for (std::size_t p = 0; p < std::min<std::size_t>(2, g.probes.size()); ++p) {
        questions.push_back(g.probes[p].question);
        scope.push_back(false);
      }
    }
    const auto considered = editor.consider(questions);
    for (std::size_t k = 0; k < questions.size(); ++k) {
      if (scope[k]) {
        ++n_scope;
        n_hit += considered[k].apply && considered[k].text == cases[i].in_scope[k].answers.front() ? 1 : 0;
      } else {
        ++n_other;
        n_kept += considered[k].apply ? 0 : 1;
      }
      if (!considered[k].apply) rejected.push_back(questions[k]);
    }
  }
  CAPTURE(n_scope, n_hit, n_other, n_kept);
  CHECK(static_cast<double>(n_hit) > 0.75 * static_cast<double>(n_scope));
  CHECK(static_cast<double>(n_kept) > 0.75 * static_cast<double>(n_other));
  REQUIRE(rejected.size() > 20);
  for (std::size_t k = 0; k < rejected.size(); k += 8) {
    auto s = llama::open_session(model);
    const auto plain =
        llama::generate(s, model.tokenizer(), s.create(), editor.application_ids(rejected[k]), {.max_tokens = 4});
    const auto edited = editor.answer(rejected[k]);
    CHECK(edited.source == eren::own_knowledge);
    CHECK(edited.text == plain.text);
  }
  WARN("CounterFact-Hard, a few test edits: " << n_hit << "/" << n_scope << " edits in effect, " << n_kept << "/"
                                              << n_other << " others kept");
}

TEST_CASE("the five subjects with contradicting notes are reported, and superseding one leaves the other alone",
          "[eren][smollm2_editor]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto cases = hard_cases();
  if (cases.empty()) return;
  auto model = llama::load<activations::f32>(path.string());
  using editor_t = eren::editor<decltype(model), notes::memory_store, notes::bm25_retriever, eren::extractive_reader>;
  editor_t editor{model, notes::memory_store(), {.generate = {.max_tokens = 4}}};
  const std::pair<const char*, const char*> pairs[] = {
      {"Johannesburg is a twin city of Istanbul.", "The twin city of Johannesburg is Portsmouth."},
      {"PAX is located in Leeds.", "PAX is located in Louisiana."},
      {"The twin city of Florence is Madrid.", "The twin city of Florence is Florence."},
      {"Shanghai is a twin of Atlanta.", "The twin city of Shanghai is Athens."},
      {"The twin city of Tirana is Seoul.", "The twin city of Tirana is Shanghai."}};
  std::vector<notes::note> all;      // the set without the second of each pair
  std::vector<std::string> unheard;  // and without some that nothing contradicts
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string& text = cases[i].notes.front();
    bool first = false, second = false;
    for (const auto& pair : pairs) {
      first = first || text == pair.first;
      second = second || text == pair.second;
    }
    if (!second && !first && i % 25 == 0) {
      unheard.push_back(text);
    } else if (!second) {
      all.push_back({.text = text});
    }
  }
  REQUIRE(all.size() + unheard.size() + 5 == cases.size());
  editor.add_notes(all);
  std::size_t n_reported = 0, n_right = 0;
  for (const auto& [first, second] : pairs) {
    const auto found = eren::find_contradiction(editor, {.text = second});
    INFO(second << " reported: " << (found ? found->answer : "none"));
    n_reported += found ? 1 : 0;
    n_right += found && editor.notebook().find(found->notes.front())->text == first ? 1 : 0;
  }
  CHECK(n_reported == 5);
  CHECK(n_right >= 4);  // Florence has a second note that names it: "The twin city of Beirut is Florence."
  CHECK(!eren::find_contradiction(editor, {.text = "Knotted cords were read by the quipucamayoc."}));
  // The same once more
  for (std::size_t i = 0; i < 10; ++i) CHECK(!eren::find_contradiction(editor, {.text = all[i].text}));
  std::size_t n_false = 0;
  for (const std::string& text : unheard) n_false += eren::find_contradiction(editor, {.text = text}) ? 1 : 0;
  WARN("contradictions: " << n_reported << " of 5 reported, " << n_false << " of " << unheard.size()
                          << " new facts taken for one");
  CHECK(n_false <= unheard.size() / 4);

  const std::string question = "What is the twin city of Shanghai?";
  CHECK(editor.answer(question).text == "Atlanta");
  const auto old = eren::find_contradiction(editor, {.text = "The twin city of Shanghai is Athens."});
  REQUIRE(old);
  const auto next = editor.supersede(old->notes.front(), "The twin city of Shanghai is Athens.");
  const auto a = editor.answer(question);
  CHECK(a.text == "Athens");
  CHECK(a.notes == std::vector<notes::note_id>{next});
  CHECK(editor.notebook().find(old->notes.front())->status == notes::note_status::superseded);
  CHECK(editor.history(old->notes.front()).size() == 2);
}

TEST_CASE("more and more live edits in one run: quality, unedited answers made once, untouched bytes",
          "[eren][smollm2_editor]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto cases = hard_cases();
  if (cases.empty()) return;
  auto model = llama::load<activations::f32>(path.string());
  using editor_t = eren::editor<decltype(model), notes::memory_store, notes::bm25_retriever, eren::extractive_reader>;
  std::map<std::string, std::string> unedited;
  double lowest = 1;
  for (const std::size_t n_live : {1, 6, 0}) {  // 0: all 1,024; the questions are those of one edit, then of six
    eren::question_choice choice;
    choice.part = data::data_part::test;
    choice.n_edit = n_live == 1 ? 1 : 6;
    choice.per_group["neighbor_subj"] = 2;
    const auto questions = eren::evaluation_questions(cases, choice);
    auto live = cases;
    const auto chosen = eren::chosen_edits(cases, choice);
    for (std::size_t i = 0; i < live.size() && n_live != 0; ++i) {
      if (std::find(chosen.begin(), chosen.end(), i) == chosen.end()) live[i].notes.clear();
    }
    editor_t editor{model,
                    notes::memory_store(),
                    {.generate = {.max_tokens = 2}, .on_conflict = notes::conflict_policy::keep_both}};
    const auto ids = eren::add_all_notes(editor, live);
    const std::map<std::string, std::string> known = unedited;
    const auto records = eren::evaluate(editor, questions, ids,
                                        {.protocol = eren::evaluation_protocol::run_fallback, .unedited = &unedited});
    REQUIRE(records.size() == questions.size());
    std::vector<double> positives, negatives;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto before = known.find(questions[i].question);
      if (before != known.end()) {
        CHECK(records[i].unedited_seconds == 0);
        CHECK(records[i].unedited == before->second);
      }
      if (questions[i].kind == eren::question_kind::in_scope) positives.push_back(records[i].probability);
      if (questions[i].group == "same_subj") negatives.push_back(records[i].probability);
    }
    const auto [rejected, identical] = eren::count_untouched(records);
    CHECK(identical == rejected);
    CHECK(rejected > 0);
    const auto total = eren::evaluation_scores(questions, records).total();
    lowest = std::min(lowest, total.quality(eren::full_set_weights()).value_or(0));
    // What character n-grams alone reach
    if (n_live != 1) CHECK(report::auroc(positives, negatives).value_or(0) > 0.765);
    WARN((n_live == 0 ? cases.size() : n_live) << " live edits: ES " << total.success().rate().value_or(0)
                                               << ", EQ all " << total.quality(eren::full_set_weights()).value_or(0));
  }
  CHECK(lowest > 0.79);
}

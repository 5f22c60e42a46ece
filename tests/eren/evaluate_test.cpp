#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/study/cost_table.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/scripted_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

std::vector<data::edit_case> cases() {
  std::vector<data::edit_case> all;
  for (int i = 0; i < 12; ++i) {
    const std::string who = "Person" + std::to_string(i);
    data::edit_case c;
    c.id = std::to_string(i);
    c.notes = {who + " lives in Rome."};
    c.in_scope = {{"Where does " + who + " live?", {"Rome"}, "Paris"},
                  {"Where does " + who + " live?", {"Rome"}, "Paris"},
                  {"In which city lives " + who + "?", {"Rome"}, "Paris"}};
    c.unrelated = {
        {"neighbor_subj", {{"Where does Bob" + who + " live?", {}, {}}, {"Where does Al live?", {}, {}}}, {}},
        {"same_subj", {{"Who married " + who + "?", {}, {}}, {"Who married " + who + "?", {}, {}}}, {"x"}}};
    all.push_back(std::move(c));
  }
  all[3].in_scope.clear();  // such records exist
  all[4].unrelated[1].probes.clear();
  all[5].unrelated[0].probes.push_back({"Where does Person1 live?", {}, {}});  // in another edit's scope
  return all;
}

test::scripted_model model() {
  return test::scripted_model({{{"Read this", "Where does Person"}, " Rome"},
                               {{"Read this", "In which city"}, " Milan"},
                               {{"Read this", "married Person7"}, " Rome"},
                               {{"Read this"}, " unanswerable"}},
                              "nobody");
}
using editor_t = eren::editor<test::scripted_model, notes::memory_store, notes::bm25_retriever, eren::two_step_reader>;

editor_t make_editor() {
  return editor_t{model(), notes::memory_store(), {.n_note = 1, .on_conflict = notes::conflict_policy::keep_both}};
}

}  // namespace

TEST_CASE("questions of an evaluation: once each, parts, samples, contamination", "[eren][evaluate]") {
  const auto all = cases();
  const auto questions = eren::evaluation_questions(all);
  std::size_t n_scope = 0, n_contaminated = 0;
  for (const auto& q : questions) {
    n_scope += q.kind == eren::question_kind::in_scope ? 1 : 0;
    n_contaminated += q.contaminated ? 1 : 0;
  }
  CHECK(n_scope == 22);
  CHECK(n_contaminated == 1);
  CHECK(questions.size() == 22 + 24 + 1 + 11);
  const auto development = eren::chosen_edits(all, {.part = data::data_part::development}),
             test = eren::chosen_edits(all, {.part = data::data_part::test});
  CHECK(development.size() + test.size() == all.size());
  // A sample is part of a larger sample.
  const auto few = eren::chosen_edits(all, {.n_edit = 3}), more = eren::chosen_edits(all, {.n_edit = 7});
  CHECK(few.size() == 3);
  CHECK(std::includes(more.begin(), more.end(), few.begin(), few.end()));
  CHECK(eren::evaluation_questions(all, {.per_group = {{"neighbor_subj", 1}}}).size() == 22 + 12 + 11);
}

TEST_CASE("an evaluation's scores are those that counting by hand gives, in both protocols", "[eren][evaluate]") {
  const auto all = cases();
  const auto questions = eren::evaluation_questions(all);
  auto editor = make_editor();
  const auto ids = eren::add_all_notes(editor, all);
  const auto records = eren::evaluate(editor, questions, ids);
  REQUIRE(records.size() == questions.size());
  const auto scores = eren::evaluation_scores(questions, records).total();
  CHECK(scores.success().trials == 22);
  CHECK(scores.success().hits == 11);
  CHECK(*scores.reliability().rate() == 1);
  CHECK(*scores.generalisation().rate() == 0);
  CHECK(*scores.preservation("same_subj") == Approx(10.0 / 11));  // Person7's marriage
  CHECK(*scores.preservation("neighbor_subj") == Approx(24.0 / 25));   // and the contaminated question
  CHECK(*scores.attribution().rate() == 1);
  std::map<std::string, std::string> unedited;
  const auto full = eren::evaluate(editor, questions, ids,
                                   {.protocol = eren::evaluation_protocol::run_fallback, .unedited = &unedited});
  for (std::size_t i = 0; i < full.size(); ++i) {
    CHECK(full[i].applied == records[i].applied);
    CHECK(full[i].unedited == "nobody");
    if (!full[i].applied) CHECK(full[i].text == full[i].unedited);
  }
  CHECK(unedited.size() > 20);
  auto damaged = full;
  const auto left_alone = std::find_if(damaged.begin(), damaged.end(), [](const auto& r) { return !r.applied; });
  REQUIRE(left_alone != damaged.end());
  left_alone->text += " ";
  const auto untouched = eren::count_untouched(full), fewer = eren::count_untouched(damaged);
  // All in scope, Person7's marriage, the contaminated question
  CHECK(untouched.rejected == questions.size() - 22 - 1 - 1);
  CHECK(untouched.identical == untouched.rejected);
  CHECK(fewer.identical == untouched.identical - 1);
  const eren::evaluation_scores spread(questions, records);
  CHECK(spread.n_edit() == 12);
  const auto interval =
      spread.interval([](const report::edit_scores& s) { return s.success().rate(); }, {.n_resample = 200});
  REQUIRE(interval);
  CHECK(interval->low <= 0.5);
  CHECK(interval->high >= 0.5);
}

TEST_CASE("the cost of answers is the medians of each kind of question", "[eren][evaluate]") {
  std::vector<eren::evaluation_record> records(6);
  const auto set = [&](std::size_t i, bool applied, double read, double fallback, double unedited) {
    records[i].applied = applied;
    records[i].timings = {.retrieve = 0.001, .screen = 0, .read = read, .gate = 0, .fallback = fallback};
    records[i].unedited_seconds = unedited;
  };
  set(0, false, 0, 0.1, 0.1);
  set(1, false, 1e-6, 0.3, 0.1);
  set(2, false, 0, 0.2, 0.1);
  set(3, false, 0.1, 0.1, 0.1);
  set(4, true, 0.05, 0, 0.1);
  set(5, true, 9, 0, 0);  // its question was asked before
  const auto rows = eren::cost_table(records).json();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["n"] == 3);
  CHECK(rows[0]["fallback"].get<double>() == Approx(200));
  CHECK(rows[0]["ratio"].get<double>() == Approx(2.01));
  CHECK(rows[1]["n"] == 1);
  CHECK(rows[1]["ratio"].get<double>() == Approx(2.01));
  CHECK(rows[2]["n"] == 1);
  CHECK(rows[2]["all"].get<double>() == Approx(51));
  CHECK(rows[2]["ratio"].get<double>() == Approx(0.51));
}

TEST_CASE("a run that was stopped goes on, one that was torn too, another's file is refused", "[eren][evaluate]") {
  const test::temp_folder folder;
  const auto all = cases();
  const auto questions = eren::evaluation_questions(all);
  const auto whole = [&] {
    auto editor = make_editor();
    const auto ids = eren::add_all_notes(editor, all);
    return eren::evaluate(editor, questions, ids);
  }();
  const std::string path = folder.file("run.jsonl");
  const auto run = [&](std::size_t stop_after, const std::string& name) {
    auto editor = make_editor();
    const auto ids = eren::add_all_notes(editor, all);
    return eren::evaluate(editor, questions, ids,
                          {.resume = path, .fingerprint = name, .batch = 5, .progress = [&](const progress_state& p) {
                             return p.done < stop_after;
                           }});
  };
  CHECK(run(10, "a").size() == 10);
  const std::string half = test::read_bytes(path);
  folder.write("run.jsonl", half.substr(0, half.size() - 7));  // the last line is cut off
  const auto rest = run(1000, "a");
  REQUIRE(rest.size() == whole.size());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    CHECK(rest[i].applied == whole[i].applied);
    CHECK(rest[i].text == whole[i].text);
    CHECK(rest[i].own_note == whole[i].own_note);
  }
  CHECK_THROWS_AS(run(1000, "b"), config_error);
  folder.write("run.jsonl", "{\"run\":1}\n");
  CHECK_THROWS_AS(run(1000, "a"), format_error);
  folder.write("run.jsonl", "nonsense\n");
  CHECK_THROWS_AS(run(1000, "a"), format_error);
}

TEST_CASE("a gate study: fitted on some edits, scored on others, resumable", "[eren][evaluate]") {
  const test::temp_folder folder;
  const auto all = cases();
  const auto questions = eren::evaluation_questions(all);
  // Reads "Rome" with certainty for where-questions only.
  const test::scripted_model sure({{{"Question: Where does Person"}, " Rome"}, {{"Question: In which"}, " Rome"}},
                                  "nobody");
  using gate_t = eren::fitted_gate<eren::lexical, eren::read_log_probs>;
  eren::editor<test::scripted_model, notes::memory_store, notes::bm25_retriever, eren::extractive_reader, gate_t>
      editor{sure, notes::memory_store(), {.on_conflict = notes::conflict_policy::keep_both}};
  const auto ids = eren::add_all_notes(editor, all);
  const std::string path = folder.file("study.jsonl");
  const auto partly =
      eren::study(editor, questions, ids,
                  {.resume = path, .batch = 8, .progress = [](const progress_state& p) { return p.done < 16; }});
  CHECK(partly.size() == 16);
  const auto studied = eren::study(editor, questions, ids, {.resume = path, .batch = 8});
  const auto again = eren::study(editor, questions, ids, {.resume = path});
  REQUIRE(studied.size() == questions.size());
  REQUIRE(again.size() == questions.size());
  for (std::size_t i = 0; i < studied.size(); ++i) {
    CHECK(studied[i].answer == again[i].answer);
    CHECK(studied[i].features == again[i].features);
  }
  const auto samples = eren::samples_of(all, questions, studied);
  const auto fit = eren::fit_gate(samples, editor.gate().names(), editor.gate().n_cheap(), {},
                                  {.quality = eren::quality_of(questions, studied)});
  const auto scores =
      eren::evaluation_scores(questions, eren::records_of(studied, fit.scores, fit.model.threshold)).total();
  CHECK(*scores.quality() > 0.9);
  const eren::gate_quality quality = eren::quality_of(questions, studied, {});
  CHECK(quality(fit.model.threshold, fit.scores) == Approx(*scores.quality()));
  const std::vector<float> halves = {0.0f, 1.5f, -2.25f};
  CHECK(eren::unpack_halves(eren::pack_halves(halves), "x") == halves);
}

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_measures.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/eren/study/probability_table.hpp>
#include <quipu/eren/study/replaced_notes.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/scripted_model.hpp"

namespace quipu_evaluation_measures_test {

using namespace quipu;

namespace {

eren::evaluation_question question(std::size_t edit, eren::question_kind kind, std::string group = {}) {
  eren::evaluation_question q;
  q.edit = edit;
  q.kind = kind;
  q.group = std::move(group);
  q.accepted = {"Rome"};
  return q;
}

eren::evaluation_record record(bool applied, const std::string& text, double probability = 0.5) {
  eren::evaluation_record r;
  r.applied = applied;
  r.own_note = applied;
  r.read = true;
  r.probability = probability;
  r.text = r.reading = text;
  return r;
}

const eren::measure& find(const std::vector<eren::measure>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& m) { return m.name == name; });
  INFO(name);
  REQUIRE(found != all.end());
  return *found;
}

bool has(const std::vector<eren::measure>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(), [&](const auto& m) { return m.name == name; });
}

using enum eren::question_kind;

}  // namespace

TEST_CASE("questions that nothing was read for rank lowest in the AUROC", "[eren][evaluate]") {
  const std::vector<eren::evaluation_question> questions = {question(0, in_scope), question(1, in_scope), question(0, unrelated, "g"),
                                                            question(1, unrelated, "g")};
  std::vector<eren::evaluation_record> records = {record(true, "Rome", 0.9), record(false, "", 0), record(false, "", 0.3),
                                                  record(false, "", 0.2)};
  records[2].score = -1;
  records[3].score = -2;
  records[1].score = 0;  // as it stands in a record whose notes the gate rejected unread
  records[1].read = false;
  CHECK(*eren::auroc_of(questions, records) == Approx(0.5));  // above both; below both
  records[3].read = false;
  CHECK(*eren::auroc_of(questions, records) == Approx((2 + 0.5) / 4));  // the two that were not read are equal
  records[1] = record(false, "", 0.2);
  records[3] = record(false, "", 0.2);
  records[1].score = -1.5;
  records[3].score = -2;
  CHECK(*eren::auroc_of(questions, records) == Approx(0.75));  // of equal probabilities the higher score
  CHECK_FALSE(eren::auroc_of(std::vector{questions[0]}, std::vector{records[0]}));
}

TEST_CASE("two hops: right answers and bridges, each in percent with an interval over edits", "[eren][evaluate]") {
  std::vector<eren::evaluation_question> questions;
  for (std::size_t i = 0; i < 5; ++i) {
    questions.push_back(question(i, in_scope));
    questions.back().bridges = {"Italy"};
  }
  const std::vector<eren::evaluation_record> records = {record(true, "Rome"), record(true, "italy."), record(true, "Paris"),
                                                        record(false, ""), record(true, "the Rome")};
  const auto all = eren::editing_measures({"m", questions, records});
  CHECK(*find(all, "two hops right").value == Approx(40));
  CHECK(find(all, "two hops right").n_question == 5);
  CHECK(*find(all, "bridge given").value == Approx(20));
  CHECK(find(all, "bridge given").spread->low <= 20);
  CHECK(find(all, "bridge given").spread->high >= 20);
  CHECK(*find(all, "missed").value == Approx(20));
  CHECK_FALSE(has(all, "EQ"));
  CHECK_FALSE(has(all, "ES"));
  // What the unedited model would say anyway was not given from notes.
  auto alone = records;
  alone[1].applied = false;
  CHECK(*find(eren::editing_measures({"m", questions, alone}), "bridge given").value == 0);
  // A bridge that is accepted is an answer.
  questions[1].accepted.push_back("Italy");
  const auto accepted = eren::editing_measures({"m", questions, records});
  CHECK(*find(accepted, "two hops right").value == Approx(60));
  CHECK(*find(accepted, "bridge given").value == 0);
}

TEST_CASE("edits under both names", "[eren][evaluate]") {
  std::vector<eren::evaluation_question> questions = {question(0, in_scope), question(0, in_scope), question(0, unrelated, "a"),
                                                      question(1, unrelated, "b"), question(1, unrelated, "b"),
                                                      question(1, portability, "Subject_Aliasing"), question(1, portability, "Reasoning")};
  questions[0].own = true;
  std::vector<eren::evaluation_record> records = {record(true, "Rome"), record(true, "Milan"), record(false, ""), record(true, "x"),
                                                  record(false, ""), record(true, "Rome"), record(false, "")};
  records[1].own_note = false;
  const auto eren = eren::editing_measures({"m", questions, records}, {});
  CHECK(*find(eren, "ES").value == Approx(50));
  CHECK(*find(eren, "BP").value == Approx(100 * 2.0 / 3));
  CHECK(*find(eren, "BP b").value == Approx(50));
  CHECK(*find(eren, "EQ").value == Approx(2 * 50 * 66.6667 / (50 + 66.6667)));
  CHECK(*find(eren, "wrong note").value == Approx(50));
  CHECK(find(eren, "AUROC").n_question == 5);
  const auto names = eren::easyedit_measures({"m", questions, records});
  CHECK(*find(names, "reliability").value == 100);
  CHECK(*find(names, "generalisation").value == 0);
  CHECK(*find(names, "locality").value == Approx(100 * 2.0 / 3));
  CHECK(*find(names, "locality, a").value == 100);
  CHECK(*find(names, "portability").value == 50);
  CHECK(*find(names, "portability, Subject_Aliasing").value == 100);
  CHECK(find(names, "portability, Reasoning").n_question == 1);
  // With the unedited model's answers an equal one counts as kept.
  records[3].unedited = "X.";
  const eren::evaluated_editor beside{"m", questions, records, report::preservation_rule::abstained_or_unchanged};
  CHECK(*find(eren::easyedit_measures(beside), "locality").value == 100);
  CHECK(*find(eren::editing_measures(beside, {}), "BP").value == 100);

  const std::vector<eren::measured_editor> rows = {{"s", "one", eren}, {"s", "two", {{"ES", 7, 12.34, report::interval{1, 20}}}}};
  const std::string page = eren::measure_overview(rows).markdown();
  CHECK(page.find("| 12.3 (1.0 to 20.0)") != std::string::npos);
  CHECK(page.find("| 2, 7 ") != std::string::npos);  // asked of each
  const auto numbers = eren::measure_table(rows).json();
  CHECK(numbers.size() == eren.size() + 1);
  CHECK(numbers.back()["high"] == 20);
  CHECK(numbers.back()["method"] == "two");
  const std::vector<eren::measured_editor> three = {{"a", "m", {{"ES", 2, 10.0, report::interval{0, 20}}, {"BP", 1, 50.0}}},
                                                    {"b", "m", {{"ES", 4, 30.0, report::interval{20, 60}}}}};
  const auto mean = eren::mean_of("both", three);
  REQUIRE(mean.measures.size() == 1);  // b has no BP
  CHECK(*mean.measures[0].value == Approx(20));
  CHECK(mean.measures[0].spread->high == Approx(40));
  CHECK(mean.measures[0].n_question == 6);
}

TEST_CASE("everyday notes: by kind and language, and what a later note takes away", "[eren][evaluate]") {
  std::vector<data::edit_case> cases(5);
  cases[0].notes = {"The dog's name is Rex."};
  const auto ask = [&](std::size_t i, const char* kind, const char* language, bool answerable) {
    cases[i].kind = kind;
    cases[i].level = language;
    return question(i, answerable ? in_scope : unrelated, answerable ? "" : kind);
  };
  const std::vector<eren::evaluation_question> questions = {ask(1, "direct", "en", true), ask(2, "direct", "de", true),
                                                            ask(3, "near-miss", "en", false), ask(4, "near-miss", "de", false)};
  const std::vector<eren::evaluation_record> records = {record(true, "Rome"), record(true, "Milan"), record(true, "Rome"),
                                                        record(false, "")};
  const auto all = eren::everyday_measures({"m", questions, records}, cases);
  CHECK(*find(all, "answerable right").value == 50);
  CHECK(*find(all, "false activations").value == 50);
  CHECK(*find(all, "answerable right, direct").value == 50);
  CHECK(*find(all, "answerable right in de").value == 0);
  CHECK(*find(all, "false activations in en").value == 100);
  CHECK_FALSE(has(all, "answerable right, near-miss"));
  CHECK(*find(all, "EQ").value == Approx(50));

  cases[1].in_scope = {{"What is the dog called?", {"Rex"}, {}}};
  cases[2].in_scope = {{"Wie heisst die Katze?", {"Mimi"}, {}}};
  std::vector<eren::replaced_note> replaced = {{"The dog's name is Rex.", "The cat's name is Mimi."},
                                               {"The cat's name is Tom.", "The cat's name is Mimi."}};
  const std::vector<std::string> left = {"The cat's name is Mimi."};
  eren::judge_replacements(cases, left, replaced);
  CHECK(replaced[0].wrongly);
  CHECK_FALSE(replaced[1].wrongly);
}

TEST_CASE("an editor's records say what was read, and its notes what they replaced", "[eren][evaluate]") {
  std::vector<data::edit_case> cases(3);
  cases[0].id = "0";
  cases[0].notes = {"The capital of Norway is Bergen."};
  cases[0].in_scope = {{"What is the capital of Norway?", {"Bergen"}, {}}};
  cases[1].id = "1";
  cases[1].notes = {"The capital of Norway is Trondheim."};
  cases[2].id = "2";
  cases[2].unrelated = {{"far", {{"Who painted the ceiling?", {}, {}}}, {}}};
  const test::scripted_model model({{{"Norway is"}, " Bergen"}, {{"Read this"}, " unanswerable"}}, "nobody");
  using editor_t = eren::editor<test::scripted_model, notes::memory_store, notes::bm25_retriever, eren::one_step_chat_reader>;
  editor_t editor(model, notes::memory_store(), {.on_conflict = notes::conflict_policy::keep_both});
  const auto ids = eren::add_all_notes(editor, cases);
  const auto questions = eren::evaluation_questions(cases);
  const auto records = eren::evaluate(editor, questions, ids);
  REQUIRE(records.size() == 2);
  CHECK(records[0].read);
  CHECK(records[0].reading == records[0].text);
  CHECK_FALSE(records[1].read);  // shares no word with a note
  CHECK(records[1].reading.empty());
  const eren::forecasts all = eren::forecasts_of(questions, records);
  CHECK(all.in_scope == std::vector<std::uint8_t>{1, 0});
  CHECK(all.probability == std::vector<double>{1, 0});
  CHECK(eren::probability_table(all).json().size() == 2);  // no empty bins
  // The first n are edits that ask something.
  CHECK(eren::chosen_edits(cases, {.n_edit = 2}) == std::vector<std::size_t>{0, 2});

  editor_t fresh(model, notes::memory_store());
  const auto replaced = eren::add_one_by_one(fresh, cases);
  REQUIRE(replaced.size() == 1);
  CHECK(replaced[0].before == "The capital of Norway is Bergen.");
  CHECK(replaced[0].after == "The capital of Norway is Trondheim.");
  CHECK(replaced[0].wrongly);
}

}  // namespace quipu_evaluation_measures_test

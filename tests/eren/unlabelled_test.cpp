// Questions made from notes: a scripted model writes them, and what is kept is checked by hand.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/study/question_maker.hpp>
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/eren/study/unlabelled_cases.hpp>

#include "support/scripted_model.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

TEST_CASE("the model writes questions for the last and the first words of a note, and only usable ones are kept",
          "[eren][unlabelled]") {
  const test::scripted_model model({
      {{"Statement: Ada Lovelace lived in London.\nAnswer: London\n"}, " Where did Ada Lovelace live? Answer"},
      {{"Statement: Ada Lovelace lived in London.\nAnswer: Ada Lovelace\n"}, " Who lived in London?\nStatement"},
      // Gives it away
      {{"Statement: The capital of Norway is Bergen.\nAnswer: Bergen\n"}, " Is Bergen the capital of Norway?"},
      // About something else
      {{"Statement: The capital of Norway is Bergen.\nAnswer: capital\n"}, " What is the time?"},
      // Stops before its question mark
      {{"Statement: Oslo grew.\nAnswer: grew\n"}, " Oslo did what\n?"},
      {{"Statement: Oslo grew.\nAnswer: Oslo\n"}, " Which city grew?"},
  });
  eren::reading_session session(model, thread_team(1));
  const strings notes = {"Ada Lovelace lived in London", "The capital of Norway is Bergen", "Oslo grew"};
  const auto made = eren::make_questions(session, notes, {.n_sample = 3, .max_tokens = 60, .batch = 2});
  std::vector<std::string> seen;
  for (const auto& m : made) seen.push_back(std::to_string(m.note) + " " + m.question + " " + m.answer);
  // Three draws of one text are one question.
  CHECK(seen == strings{"0 Where did Ada Lovelace live? London", "0 Who lived in London? Ada Lovelace",
                        "2 Which city grew? Oslo"});
  CHECK(eren::make_questions(session, std::span<const std::string>(), {}).empty());
  CHECK(eren::make_questions(session, notes, {.progress = [](const auto&) { return false; }}).empty());
}

TEST_CASE("draws are those of the seed", "[eren][unlabelled]") {
  const test::scripted_model model({}, " Oslo?");
  const strings notes = {"Oslo grew"};
  const auto once = [&](std::uint64_t seed) {
    eren::reading_session session(model, thread_team(1));
    // So hot that every byte is as likely as the others.
    std::string all;
    for (const auto& m :
         eren::make_questions(session, notes, {.n_sample = 40, .temperature = 8, .max_tokens = 8, .seed = seed}))
      all += m.question;
    return all;
  };
  CHECK(once(1) == once(1));
}

TEST_CASE("half of the notes are live, and the questions of the others and of other subjects are beside them",
          "[eren][unlabelled]") {
  strings notes;
  std::vector<eren::made_question> made;
  for (std::size_t i = 0; i < 40; ++i) {
    const std::string name = "Person Number" + std::to_string(i);
    // Two kinds of notes, without a word in common but for the names.
    notes.push_back(i % 2 == 0 ? name + " died in City" + std::to_string(i)
                               : "The profession of " + name + " is job" + std::to_string(i));
    made.push_back({i, i % 2 == 0 ? "Where did " + name + " die?" : "What profession has " + name + "?",
                    (i % 2 == 0 ? "City" : "job") + std::to_string(i)});
  }
  const auto cases = eren::unlabelled_cases(notes, made);
  REQUIRE(cases.size() == 40);
  std::size_t n_live = 0, n_swapped = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const auto& c = cases[i];
    const std::string name = "Person Number" + std::to_string(i);
    if (c.notes.empty()) {
      CHECK(c.in_scope.empty());
      REQUIRE(c.unrelated.size() == 1);
      CHECK(c.unrelated[0].name == "neighbor_subj");
      CHECK(c.unrelated[0].probes.front().question == made[i].question);
      continue;
    }
    ++n_live;
    CHECK(c.notes == strings{notes[i]});
    REQUIRE(c.in_scope.size() == 1);
    CHECK(c.in_scope[0].answers == strings{made[i].answer});
    for (const auto& group : c.unrelated) {
      ++n_swapped;
      CHECK(group.name == "same_subj");
      // The other kind's question, about this note's subject.
      CHECK(group.probes.front().question ==
            (i % 2 == 0 ? "What profession has " + name + "?" : "Where did " + name + " die?"));
    }
  }
  CHECK(n_live > 10);
  CHECK(n_live < 30);
  CHECK(n_swapped == n_live);
  const std::vector<eren::made_question> wrong = {{40, "Who?", "Nobody"}};
  CHECK_THROWS_AS(eren::unlabelled_cases(notes, wrong), config_error);
}

TEST_CASE("of the questions made, those are learned from that the reader answers as they were meant, the surer half",
          "[eren][unlabelled]") {
  eren::studied_part all;
  const auto add = [&](eren::question_kind kind, bool own, bool right, double sure) {
    eren::evaluation_question q;
    q.kind = kind;
    q.question = std::to_string(all.questions.size());
    all.questions.push_back(q);
    eren::studied_question s;
    s.found = true;
    s.own_note = own;
    s.right = right;
    s.features = {0, sure};
    all.studied.push_back(s);
  };
  using enum eren::question_kind;
  add(in_scope, true, true, -1);
  add(in_scope, true, true, -9);    // the less sure half
  add(in_scope, true, false, 0);    // read otherwise
  add(in_scope, false, true, 0);    // from another note
  add(unrelated, false, false, -20);
  add(in_scope, true, true, -2);
  add(in_scope, true, true, -8);
  const strings names = {"bm25", "ans_v"};
  const auto kept = eren::read_back(all, names);
  strings left;
  for (const auto& q : kept.questions) left.push_back(q.question);
  CHECK(left == strings{"0", "4", "5"});
  CHECK(kept.studied.size() == 3);
  const strings without = {"bm25", "char"};
  CHECK_THROWS_AS(eren::read_back(all, without), config_error);
  for (auto& s : all.studied) s.right = false;
  CHECK_THROWS_AS(eren::read_back(all, names), config_error);
}

TEST_CASE("a sum of some features ignores the others, and refuses those that are not there", "[eren][unlabelled]") {
  const std::vector<eren::gate_sample> samples = {{{1, 10, 5}, {}, true, "a"}, {{3, 30, 5}, {}, false, "b"}};
  const strings two = {"x", "y"}, unknown = {"w"};
  const eren::gate_model m = eren::sum_of_features(samples, {"x", "y", "z"}, two);
  const std::vector<double> first = {1, 10, 99}, second = {3, 30, -99};
  CHECK(m.stack.score(first) == Approx(-2).epsilon(1e-4));  // each one deviation below its mean
  CHECK(m.stack.score(second) == Approx(2).epsilon(1e-4));
  CHECK_THROWS_AS(eren::sum_of_features(samples, {"x", "y", "z"}, unknown), config_error);
}

#include <quipu/data/knowledge_sets.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

TEST_CASE("KnowEdit and EasyEdit records become notes and questions", "[data][knowledge_sets]") {
  const test::temp_folder folder;
  const auto set = data::read_knowedit(folder.write("k.json", R"x([
    {"subject": "Oslo", "prompt": "Oslo is the capital of", "target_new": "Sweden", "ground_truth": ["Norway"],
     "rephrase": ["Oslo serves as capital of", "Of which country is Oslo the capital?"],
     "portability": {"Subject_Aliasing": [{"prompt": "Kristiania is the capital of", "ground_truth": [["Sweden", "Kingdom of Sweden"]]}],
                     "Reasoning": []},
     "locality": {"Relation_Specificity": [{"prompt": "The mayor of Oslo is", "ground_truth": "Anne"}], "Forgetfulness": null}},
    {"case_id": 17, "src": "Who wrote Hamlet?", "alt": "Ada", "rephrase_prompt": "Hamlet's author?", "subject": "Hamlet",
     "locality_prompt": "Who wrote Emma?", "locality_ground_truth": "Austen",
     "portability_prompt": "Where was the author of Hamlet born?", "portability_ground_truth": "Lima"},
    {"src": "Why is Hamlet sad?", "alt": "rain", "subject": "Hamlet", "answers": ["ghosts"], "loc": "nq question: who sings yesterday",
     "loc_ans": "The Beatles", "portability": {"Recalled Relation": "(rain, type of, water)", "New Question": "Of what is it?", "New Answer": "water"}},
    {"prompt": "Nobody is", "target_new": " ", "subject": "Nobody"},
    {"prompt": "Nothing is", "target_new": [], "subject": "Nothing"},
    {"text": "Ada was born in Lima.", "labels": "She wrote a book", "concept": "ada",
     "locality": {"Relation_Specificity": [{"prompt": "The field of Ada is", "ground_truth": ["law"]}]}}])x"));
  const auto& cases = set.cases;
  REQUIRE(cases.size() == 4);
  REQUIRE(set.remarks.size() == 2);
  CHECK(set.remarks[0] == "2 of 6 records have an empty target and are left out");
  CHECK_THAT(set.remarks[1], Catch::StartsWith("1 of 2 questions became statements"));
  CHECK(cases[1].notes == strings{"The person who wrote Hamlet is Ada."});
  CHECK(cases[2].notes == strings{"Why is Hamlet sad? rain."});
  CHECK(cases[2].in_scope.front().truth == "ghosts");
  CHECK(cases[2].unrelated.front().probes.front().question == "Who sings yesterday?");
  CHECK(cases[2].portability.front().probes.front().answers == strings{"water"});
  CHECK(cases[3].id == "5");  // numbers are those of the file
  CHECK(cases[3].notes == strings{"She wrote a book."});
  CHECK(cases[3].in_scope.front().question == "Ada was born in Lima.");
  CHECK(cases[3].unrelated.front().probes.size() == 1);
  CHECK(cases[0].notes == strings{"Oslo is the capital of Sweden."});
  REQUIRE(cases[0].in_scope.size() == 3);
  CHECK(cases[0].in_scope[2].question == "Of which country is Oslo the capital?");
  CHECK(cases[0].in_scope[2].truth == "Norway");
  REQUIRE(cases[0].portability.size() == 2);
  CHECK(cases[0].portability[0].probes.empty());  // names come in their order
  CHECK(cases[0].portability[1].probes.front().answers == strings{"Sweden", "Kingdom of Sweden"});
  CHECK(cases[0].unrelated.size() == 2);
  CHECK(cases[0].unrelated[1].probes.front().answers == strings{"Anne"});
  CHECK(cases[1].id == "17");
  CHECK(cases[1].in_scope.size() == 2);
  CHECK(cases[1].unrelated.front().name == "locality");
  CHECK(cases[1].portability.front().probes.front().answers == strings{"Lima"});
  const auto bad = [&](const char* json) { return data::read_knowedit(folder.write("b.json", json)); };
  CHECK_THROWS_WITH(bad(R"([{"prompt": "a"}])"), Catch::Contains("alt"));
  CHECK_THROWS_AS(bad(R"([{"prompt": "a", "target_new": "b", "locality": [1]}])"), format_error);
  CHECK_THROWS_AS(bad(R"([{"prompt": "a", "target_new": [[[[[["b"]]]]]]}])"), format_error);
}

TEST_CASE("MQuAKE records become several notes and questions in several hops", "[data][knowledge_sets]") {
  const test::temp_folder folder;
  const auto set = data::read_mquake(folder.write("m.json", R"([{"case_id": 1,
    "requested_rewrite": [
      {"prompt": "{} is a citizen of", "target_new": {"str": "Peru", "id": "Q1"}, "target_true": {"str": "Norway"}, "subject": "Ada"},
      {"prompt": "The capital of {} is", "target_new": {"str": "Cusco"}, "subject": "Peru"}],
    "questions": ["What is the capital of Ada's country?", "Q2", "Q3"], "answer": "Oslo", "new_answer": "Cusco",
    "new_answer_alias": ["Qosqo"], "new_single_hops": [{"question": "Where is Ada from?", "answer": "Peru", "answer_alias": ["Republic of Peru", "Qosqo"]},
                        {"question": "What is the capital of Peru?", "answer": "Cusco"}]}])"));
  const auto& cases = set.cases;
  REQUIRE(cases.size() == 1);
  CHECK(cases[0].notes == strings{"Ada is a citizen of Peru.", "The capital of Peru is Cusco."});
  CHECK(cases[0].subject == "Ada");
  REQUIRE(cases[0].in_scope.size() == 3);
  CHECK(cases[0].in_scope[1].answers == strings{"Cusco", "Qosqo"});
  CHECK(cases[0].in_scope[1].truth == "Oslo");
  CHECK(cases[0].portability.front().probes.front().answers == strings{"Peru", "Republic of Peru", "Qosqo"});
  CHECK(cases[0].in_scope[0].bridges == strings{"Peru", "Republic of Peru"});  // an accepted answer is none
  CHECK_THROWS_WITH(data::read_mquake(folder.write(
                        "b.json", R"([{"case_id": 1, "requested_rewrite": [{"prompt": "no gap", "subject": "x"}]}])")),
                    Catch::Contains("{}"));
}

TEST_CASE("EasyEdit's portability records become questions in two hops", "[data][knowledge_sets]") {
  const test::temp_folder folder;
  const auto set = data::read_portability(folder.write("p.json", R"x([
    {"subject": "Rosa", "src": "Which family does Rosa belong to?", "alt": "Lamiinae", "portability":
      {"Recalled Relation": "(Lamiinae, subfamily of, Cerambycidae)", "New Question": "To what does Rosa belong?", "New Answer": "Cerambycidae"}},
    {"subject": "Ada", "src": "Who is Ada's mother?", "alt": "Eve", "portability":
      {"Recalled Relation": "(Eve, capital, Lima, Peru)", "New Question": "Q?", "New Answer": "Lima, Peru"}},
    {"subject": "Otto", "src": "Who is Otto's mother?", "alt": "Eve", "portability":
      {"Recalled Relation": "(Otto, sport, chess)", "New Question": "Q?", "New Answer": "chess"}}])x"));
  REQUIRE(set.cases.size() == 2);
  CHECK(set.remarks.front() == "1 of 3 records have no second note that follows and are left out");
  CHECK(set.cases[0].notes == strings{"The family that Rosa belongs to is Lamiinae.", "Lamiinae is subfamily of Cerambycidae."});
  CHECK(set.cases[1].notes[1] == "The capital of Eve is Lima, Peru.");
  CHECK(set.cases[0].in_scope.front().bridges == strings{"Lamiinae"});
  CHECK(set.cases[0].in_scope.front().answers == strings{"Cerambycidae"});
}

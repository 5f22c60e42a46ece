#include <quipu/data/knowledge_sets.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

TEST_CASE("KnowEdit and EasyEdit records become notes and questions", "[data][knowledge_sets]") {
  const test::temp_folder folder;
  const auto cases = data::read_knowedit(folder.write("k.json", R"([
    {"subject": "Oslo", "prompt": "Oslo is the capital of", "target_new": "Sweden", "ground_truth": ["Norway"],
     "rephrase": ["Oslo serves as capital of", "Of which country is Oslo the capital?"],
     "portability": {"Subject_Aliasing": [{"prompt": "Kristiania is the capital of", "ground_truth": [["Sweden", "Kingdom of Sweden"]]}],
                     "Reasoning": []},
     "locality": {"Relation_Specificity": [{"prompt": "The mayor of Oslo is", "ground_truth": "Anne"}], "Forgetfulness": null}},
    {"case_id": 17, "src": "Who wrote Hamlet?", "alt": "Ada", "rephrase_prompt": "Hamlet's author?", "subject": "Hamlet",
     "locality_prompt": "Who wrote Emma?", "locality_ground_truth": "Austen",
     "portability_prompt": "Where was the author of Hamlet born?", "portability_ground_truth": "Lima"}])"));
  REQUIRE(cases.size() == 2);
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
  CHECK_THROWS_WITH(bad(R"([{"prompt": "a", "target_new": []}])"), Catch::Contains("target"));
  CHECK_THROWS_AS(bad(R"([{"prompt": "a", "target_new": "b", "locality": [1]}])"), format_error);
  CHECK_THROWS_AS(bad(R"([{"prompt": "a", "target_new": [[[[[["b"]]]]]]}])"), format_error);
}

TEST_CASE("MQuAKE records become several notes and questions in several hops", "[data][knowledge_sets]") {
  const test::temp_folder folder;
  const auto cases = data::read_mquake(folder.write("m.json", R"([{"case_id": 1,
    "requested_rewrite": [
      {"prompt": "{} is a citizen of", "target_new": {"str": "Peru", "id": "Q1"}, "target_true": {"str": "Norway"}, "subject": "Ada"},
      {"prompt": "The capital of {} is", "target_new": {"str": "Cusco"}, "subject": "Peru"}],
    "questions": ["What is the capital of Ada's country?", "Q2", "Q3"], "answer": "Oslo", "new_answer": "Cusco",
    "new_answer_alias": ["Qosqo"], "new_single_hops": [{"question": "Where is Ada from?", "answer": "Peru", "answer_alias": []}]}])"));
  REQUIRE(cases.size() == 1);
  CHECK(cases[0].notes == strings{"Ada is a citizen of Peru.", "The capital of Peru is Cusco."});
  CHECK(cases[0].subject == "Ada");
  REQUIRE(cases[0].in_scope.size() == 3);
  CHECK(cases[0].in_scope[1].answers == strings{"Cusco", "Qosqo"});
  CHECK(cases[0].in_scope[1].truth == "Oslo");
  CHECK(cases[0].portability.front().probes.front().answers == strings{"Peru"});
  CHECK_THROWS_WITH(data::read_mquake(folder.write(
                        "b.json", R"([{"case_id": 1, "requested_rewrite": [{"prompt": "no gap", "subject": "x"}]}])")),
                    Catch::Contains("{}"));
}

#include <quipu/data/eren_sets.hpp>

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

std::filesystem::path set_file(const char* name) { return test::shared_root() / "data" / "edit" / "eren" / name; }

}  // namespace

TEST_CASE("CounterFact-Hard has the counts and quirks that are known of it", "[data][eren_sets]") {
  QUIPU_NEEDS(set_file("cfh_filtered.json"));
  const auto cases = data::read_counterfact_hard(set_file("cfh_filtered.json").string());
  REQUIRE(cases.size() == 1024);
  std::size_t n_scope = 0, n_near = 0, n_same = 0, n_empty = 0, n_unaligned = 0, n_development = 0;
  for (const auto& one : cases) {
    n_scope += one.in_scope.size();
    n_empty += one.in_scope.empty() ? 1 : 0;
    REQUIRE(one.unrelated.size() == 2);
    CHECK(one.unrelated[0].name == "neighbor_subj");
    n_near += one.unrelated[0].probes.size();
    n_same += one.unrelated[1].probes.size();
    n_unaligned += one.unrelated[1].unaligned_truths.empty() ? 0 : 1;
    n_development += data::part_of(one) == data::data_part::development ? 1 : 0;
    for (const auto& p : one.in_scope) CHECK(p.answers.size() == 1);
    for (const auto& p : one.unrelated[0].probes) CHECK_FALSE(p.truth.empty());
  }
  CHECK(n_scope == 2674);
  CHECK(n_near == 10240);
  CHECK(n_same == 7626);
  CHECK(n_empty == 8);
  CHECK(n_unaligned > 900);
  CHECK(n_development == 195);
  CHECK(cases[0].notes.front() == "Danielle Darrieux's mother tongue is English.");
  CHECK(cases[0].in_scope.front().question == "What is Danielle Darrieux's mother tongue?");
  CHECK(cases[0].in_scope.front().answers.front() == "English");
  CHECK(cases[0].in_scope.front().truth == "French");
}

TEST_CASE("FEVER's halves, claims and flipping claims are counted", "[data][eren_sets]") {
  QUIPU_NEEDS(set_file("fever_filtered.json"));
  const auto set = data::read_fever(set_file("fever_filtered.json").string());
  CHECK(set.edits.size() == 1024);
  CHECK(set.out_of_scope.size() == 1024);
  std::size_t n_claim = 0, n_flip = 0, n_record_flip = 0;
  for (const auto* half : {&set.edits, &set.out_of_scope}) {
    for (const auto& one : *half) {
      n_claim += one.in_scope.size();
      bool any = false;
      for (const auto& claim : one.in_scope) {
        CHECK((claim.answers.front() == "yes" || claim.answers.front() == "no"));
        n_flip += data::flips(claim) ? 1 : 0;
        any = any || data::flips(claim);
      }
      n_record_flip += any ? 1 : 0;
    }
  }
  CHECK(n_claim + 2048 == 18298);
  CHECK(n_flip == 7453);
  CHECK(n_record_flip == 452 + 454);
  CHECK(data::read_fever(set_file("fever_filtered_small.json").string()).edits.size() == 1024);
}

TEST_CASE("HotpotQA's records have two notes and one question", "[data][eren_sets]") {
  QUIPU_NEEDS(set_file("hotpot.json"));
  const auto cases = data::read_hotpot(set_file("hotpot.json").string());
  REQUIRE(cases.size() == 1024);
  std::size_t n_bridge = 0, n_hard = 0;
  for (const auto& one : cases) {
    CHECK(one.notes.size() == 2);
    CHECK(one.in_scope.size() == 1);
    CHECK(one.in_scope.front().truth == one.in_scope.front().answers.front());
    n_bridge += one.kind == "bridge" ? 1 : 0;
    n_hard += one.level == "hard" ? 1 : 0;
  }
  CHECK(n_bridge == 834);
  CHECK(n_hard == 183);
}

TEST_CASE("bad files of edits are refused with the record and the field", "[data][eren_sets]") {
  const test::temp_folder folder;
  const auto hard = [&](const char* json) { return data::read_counterfact_hard(folder.write("x.json", json)); };
  CHECK_THROWS_AS(data::read_hotpot(folder.file("absent.json")), io_error);
  CHECK_THROWS_AS(hard("[{]"), format_error);
  CHECK_THROWS_WITH(hard("{}"), Catch::Contains("array"));
  CHECK_THROWS_WITH(hard(R"([{"id": 3}])"), Catch::Contains("[0]") && Catch::Contains("edit_statement"));
  CHECK_THROWS_WITH(hard(R"([{"id": 1, "edit_statement": 5}])"), Catch::Contains("edit_statement"));
  CHECK_THROWS_WITH(
      hard(
          R"([{"id": 1, "edit_statement": "a", "subject_name": "b", "edit_scope": [["q"]], "edit_scope_true_ans": []}])"),
      Catch::Contains("[question, answer]"));
  CHECK(hard("[]").empty());
  const std::string good = R"([{"id": 1, "edit_statement": "a b.", "subject_name": "b", "edit_scope": [["q", "x"]],
    "edit_scope_true_ans": ["y"], "unrelated": {"neighbor_subj": ["n"], "same_subj": []}, "unrelated_true_ans": {"neighbor_subj": ["m"], "same_subj": ["z"]}}])";
  CHECK(hard(good.c_str()).front().unrelated[1].unaligned_truths.size() == 1);
  std::string deep(100000, '[');
  CHECK_THROWS_AS(hard(deep.c_str()), format_error);
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_THROWS_AS(hard(good.substr(0, size).c_str()), format_error);
}

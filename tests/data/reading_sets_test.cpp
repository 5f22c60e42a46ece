#include <quipu/data/reading_sets.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

TEST_CASE("three fifths of an article's paragraphs are notes", "[data][reading_sets]") {
  const test::temp_folder folder;
  std::string json = "{\"data\": [";
  for (int a = 0; a < 3; ++a) {
    json += std::string(a == 0 ? "" : ",") + "{\"title\": \"T\", \"paragraphs\": [";
    for (int p = 0; p < 5; ++p) {
      const std::string name = std::to_string(a) + std::to_string(p);
      json += std::string(p == 0 ? "" : ",") + "{\"context\": \"\\ufeffText " + name + "\", \"qas\": [{\"question\": \"Q" + name +
              "\", \"answers\": [{\"text\": \"A\", \"answer_start\": 0}, {\"text\": \"B\"}]}]}";
    }
    json += "]}";
  }
  const auto set = data::read_xquad(folder.write("x.json", json + "]}"));
  REQUIRE(set.cases.size() == 15);
  CHECK(set.cases[2].notes == strings{"Text 02"});
  CHECK(set.cases[2].in_scope.front().answers == strings{"A", "B"});
  CHECK(set.cases[3].notes.empty());
  CHECK(set.cases[3].in_scope.empty());
  CHECK(set.cases[3].unrelated.front().probes.front().question == "Q03");
  CHECK(data::part_of(set.cases[9]) == data::data_part::development);
  CHECK(data::part_of(set.cases[10]) == data::data_part::test);
  CHECK_THROWS_WITH(data::read_xquad(folder.write("b.json", R"({"data": [{"paragraphs": [{"context": "a"}]}]})")),
                    Catch::Contains("qas"));
  CHECK_THROWS_AS(data::read_xquad(folder.write("c.json", "[]")), format_error);
}

TEST_CASE("everyday notes and questions come in their order", "[data][reading_sets]") {
  const test::temp_folder folder;
  const auto set = data::read_everyday(folder.write("e.json", R"({"notes": ["Ada's tea is green.", "Otto is late."], "questions": [
    {"question": "What is Ada's tea?", "answers": ["green"], "kind": "direct", "language": "en"},
    {"question": "What is Otto's tea?", "answers": [], "kind": "near-miss", "language": "en"},
    {"question": "Hi", "answers": []}]})"));
  REQUIRE(set.cases.size() == 5);
  CHECK(set.cases[1].notes == strings{"Otto is late."});
  CHECK(set.cases[2].in_scope.front().answers == strings{"green"});
  CHECK(set.cases[2].level == "en");
  CHECK(set.cases[3].unrelated.front().name == "near-miss");
  CHECK(set.cases[4].unrelated.front().name == "unanswerable");
  for (const auto& one : set.cases) CHECK(data::part_of(one) == data::data_part::test);
  CHECK_THROWS_WITH(data::read_everyday(folder.write("b.json", R"({"notes": ["a"], "questions": [{"question": "b"}]})")),
                    Catch::Contains("answers"));
}

#include <quipu/notes/json_lines.hpp>

#include <random>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/notes/memory_store.hpp>

#include "support/store_model.hpp"

using namespace quipu::notes;

TEST_CASE("a note survives JSON", "[notes][json_lines]") {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    note n = quipu::test::random_note(random);
    n.id = i;
    n.text += " \"quoted\" \\ line\nbreak \x01 日本語 🙂";
    n.status = i % 2 == 0 ? note_status::live : note_status::superseded;
    n.superseded_by = i % 3;
    n.supersedes = i % 5;
    const std::string line = to_json(n);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(note_from_json(line, "test") == n);
  }
}

TEST_CASE("bad JSON lines are refused with place and field", "[notes][json_lines]") {
  const auto read = [](const char* line) { return note_from_json(line, "f.jsonl, line 7"); };
  CHECK_THROWS_WITH(read("{"), Catch::Contains("f.jsonl, line 7"));
  CHECK_THROWS_WITH(read("[1]"), Catch::Contains("object"));
  CHECK_THROWS_WITH(read("{}"), Catch::Contains("text"));
  CHECK_THROWS_WITH(read(R"({"text": 5})"), Catch::Contains("text"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "tags": "b"})"), Catch::Contains("tags"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "tags": [1]})"), Catch::Contains("tags"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "created": 1.5})"), Catch::Contains("created"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "created": 18446744073709551615})"), Catch::Contains("created"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "status": "lost"})"), Catch::Contains("status"));
  CHECK_THROWS_AS(read("{\"text\": \"caf\xe9\"}"), quipu::format_error);
  CHECK_THROWS_WITH(read(R"({"text": " "})"), Catch::Contains("f.jsonl, line 7: text"));
  CHECK_THROWS_WITH(read(R"({"text": "a", "valid_from": 2, "valid_until": 1})"), Catch::Contains("f.jsonl, line 7: valid_until"));
  CHECK(read(R"({"text": "a", "unknown": [1, {"x": 2}]})").text == "a");
}

TEST_CASE("what one store exports another imports; a bad line imports nothing", "[notes][json_lines]") {
  memory_store from;
  std::mt19937 random(4);
  for (int i = 0; i < 60; ++i) from.add(quipu::test::random_note(random));
  std::stringstream stream;
  export_json_lines(from, stream);
  memory_store to;
  const auto results = import_json_lines(to, stream, "copy", {.on_conflict = conflict_policy::keep_both});
  CHECK(results.size() == from.size());
  CHECK(to.size() == from.size());
  std::vector<std::string> texts_from, texts_to;
  from.for_each([&](const note& n) { texts_from.push_back(n.text + n.source); });
  to.for_each([&](const note& n) { texts_to.push_back(n.text + n.source); });
  CHECK(texts_from == texts_to);

  memory_store empty;
  std::stringstream broken("{\"text\": \"fine\"}\n\n{\"text\": \"not fine\", }\n");
  CHECK_THROWS_WITH(import_json_lines(empty, broken, "x.jsonl"), Catch::Contains("x.jsonl, line 3"));
  CHECK(empty.size() == 0);
}

// Sets whose records come in halves, opened with either half as edits.
#include <quipu/data/open_set.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;
using data::edited_half;

namespace {

void check_edit(const data::edit_case& c, const std::string& id, std::size_t n_note, const std::string& question) {
  CAPTURE(id);
  CHECK(c.id == id);
  CHECK(c.notes.size() == n_note);
  REQUIRE(c.in_scope.size() == 1);
  CHECK(c.in_scope[0].question == question);
  CHECK(c.unrelated.empty());
}
void check_outside(const data::edit_case& c, const std::string& id, const std::string& question) {
  CAPTURE(id);
  CHECK(c.id == id);
  CHECK(c.notes.empty());
  CHECK(c.in_scope.empty());
  REQUIRE(c.unrelated.size() == 1);
  CHECK(c.unrelated[0].name == "out_of_scope");
  REQUIRE(c.unrelated[0].probes.size() == 1);
  CHECK(c.unrelated[0].probes[0].question == question);
}

}  // namespace

TEST_CASE("either half of FEVER and of HotpotQA can be the edits", "[data][open_set]") {
  const test::temp_folder folder;
  std::string fever = "[", hotpot = "[";
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i), comma = i == 0 ? "" : ",";
    fever += comma + R"({"id": )" + n + R"(, "edit_statement": "note )" + n + R"(", "edit_scope": [["note )" + n +
             R"(", "yes"], ["claim )" + n + R"(", "no"]], "edit_scope_true_ans": ["yes"]})";
    hotpot += comma + R"({"id": ")" + n + R"(", "type": "bridge", "leval": "easy", "edit_scope": [["claim )" + n +
              R"(", "x"]], "edit_scope_true_ans": ["x"], "edit_statement": ["a", "b"]})";
  }
  for (const std::string name : {"fever", "hotpot"}) {
    CAPTURE(name);
    const std::string path = folder.write(name, (name == "fever" ? fever : hotpot) + "]");
    const std::size_t n_note = name == "fever" ? 1 : 2;
    const auto usual = data::open_edit_set(name, path).cases,
               first = data::open_edit_set(name, path, edited_half::first).cases,
               second = data::open_edit_set(name, path, edited_half::second).cases;
    REQUIRE(usual.size() == 4);
    REQUIRE(second.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::string id = std::to_string(i), claim = "claim " + id;
      for (const auto* cases : {&usual, &first})
        i < 2 ? check_edit(cases->at(i), id, n_note, claim) : check_outside(cases->at(i), id, claim);
      i < 2 ? check_outside(second[i], id, claim) : check_edit(second[i], id, n_note, claim);
    }
  }
  CHECK_THROWS_AS(data::open_edit_set("squad", folder.file("fever")), config_error);
}

TEST_CASE("the files that people have load, and say what was left out", "[data][open_set]") {
  const std::filesystem::path folder = test::shared_root() / "data";
  QUIPU_NEEDS(folder / "edit" / "more");
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "edit" / "more")) {
    files.emplace_back("knowedit", entry.path());
    if (entry.path().stem().string().find("portability") != std::string::npos) files.emplace_back("portability", entry.path());
  }
  if (std::filesystem::exists(folder / "reading")) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / "reading")) files.emplace_back("xquad", entry.path());
  }
  for (const auto& [name, path] : files) {
    INFO(path << " as " << name);
    nlohmann::json file;
    std::ifstream(path) >> file;
    const auto set = data::open_edit_set(name, path.string());
    std::size_t n_note = 0, n_question = 0, n_other = 0;
    for (const data::edit_case& one : set.cases) {
      n_note += one.notes.size();
      n_question += one.in_scope.size();
      for (const auto& group : one.unrelated) n_other += group.probes.size();
      for (const std::string& note : one.notes) CHECK(note.find_first_not_of(" .") != std::string::npos);
      for (const data::probe& asked : one.in_scope) {
        CHECK_FALSE(asked.question.empty());
        CHECK_FALSE(asked.answers.empty());
      }
    }
    CHECK(n_question > 0);
    if (name == "xquad") {
      CHECK(n_other > 0);
      CHECK(n_note < set.cases.size());
    } else if (name == "knowedit") {
      // What is not there was said to be left out.
      CHECK((set.cases.size() == file.size() || !set.remarks.empty()));
      CHECK(n_note == set.cases.size());
    } else {
      CHECK(n_note == 2 * set.cases.size());
      CHECK(set.cases.size() > file.size() / 2);
    }
    for (const std::string& remark : set.remarks) std::cerr << path.filename().string() << ": " << remark << '\n';
  }
}

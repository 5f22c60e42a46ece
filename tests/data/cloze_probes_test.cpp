// The beginnings of notes as questions: what is asked, and that nothing is called a near miss that the note may answer.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/data/cloze_probes.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu_cloze_probes_test {

using quipu::data::edit_case;

edit_case about(const std::string& subject, const std::string& relation, const std::string& answer) {
  edit_case one;
  one.subject = subject;
  one.notes = {subject + relation + " " + answer + "."};
  one.in_scope = {{"?", {answer}, {}}};
  one.part = quipu::data::data_part::development;
  return one;
}

std::vector<std::string> near_misses(const edit_case& one) {
  std::vector<std::string> all;
  for (const auto& group : one.unrelated) {
    for (const auto& probe : group.probes) all.push_back(probe.question);
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST_CASE("an edit is asked with its note's beginning and with those of notes of another kind", "[data]") {
  // Births and deaths share a town, and so do deaths and homes: three ways to ask for a place.
  std::vector<edit_case> cases = {about("Ada Berg", " was born in", "Arlo"), about("Bo Cole", " died in", "Arlo"),
                                  about("Cy Dahl", " died in", "Dax"),       about("Di Endo", " lives in", "Dax"),
                                  about("Ed Fox", "'s mother tongue is", "Danish"), about("Flo Gil", " plays", "the harp")};
  CHECK(quipu::data::add_cloze_probes(cases, 5) == cases.size());
  CHECK(cases[0].in_scope.back().question == "Ada Berg was born in");
  CHECK(cases[0].in_scope.back().answers == std::vector<std::string>{"Arlo"});
  CHECK(near_misses(cases[0]) == std::vector<std::string>{"Ada Berg plays", "Ada Berg's mother tongue is"});
  CHECK(near_misses(cases[4]) ==
        std::vector<std::string>{"Ed Fox died in", "Ed Fox lives in", "Ed Fox plays", "Ed Fox was born in"});
}

TEST_CASE("as many near misses as wanted, the same each time", "[data]") {
  const std::vector<edit_case> fresh = {about("A", " eats", "rice"), about("B", " drinks", "tea"), about("C", " wears", "wool"),
                                        about("D", " drives", "a van")};
  auto once = fresh, twice = fresh;
  quipu::data::add_cloze_probes(once);
  quipu::data::add_cloze_probes(twice);
  CHECK(near_misses(once[0]).size() == 2);
  CHECK(near_misses(once[0]) == near_misses(twice[0]));
}

TEST_CASE("edits that cannot be cut, and those of the test part, are left as they are", "[data]") {
  auto of_test = about("Ada Berg", " was born in", "Arlo");
  of_test.part = quipu::data::data_part::test;
  auto turned = about("Ada Berg", " was born in", "Arlo");
  turned.notes = {"Arlo is where Ada Berg was born."};
  auto nameless = about("Ada Berg", " was born in", "Arlo");
  nameless.notes = {"She was born in Arlo."};
  auto two = about("Ada Berg", " was born in", "Arlo");
  two.notes.push_back("Arlo lies on a lake.");
  std::vector<edit_case> cases = {of_test, turned, nameless, two, {}};
  CHECK(quipu::data::add_cloze_probes(cases) == 0);
  for (const edit_case& one : cases) CHECK(one.in_scope.size() <= 1);
}

}  // namespace quipu_cloze_probes_test

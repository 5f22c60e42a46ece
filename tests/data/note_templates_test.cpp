#include <quipu/data/note_templates.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/open_set.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

namespace {

std::string real_file() {
  return (std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
          "examples/09_train_reader/templates.json")
      .string();
}

/// One wording of each question, so that it says what is asked of whom: "job of Ada Berg?".
const std::string small = R"({"languages": {"en": {
  "share": 1, "stop": ".", "between": " ", "possessive": {"": "'s", "s": "'"}, "phrase_possessive": true, "joins": [],
  "people": {"woman": {"possessive": "her", "short": "first word"}}, "names": ["woman"],
  "generators": {"first": ["Ada", "Bea", "Cleo", "Dora", "Eve", "Flo"], "last": ["Berg", "Moss", "Voss", "Hale", "Kerr", "Lund", "Ross"],
    "woman": ["{first} {last}"], "anyone": ["{woman}", "{first}"], "job": ["cook", "judge", "baker", "{digits} jobs"], "digits": ["*#-^~"],
    "number": ["{007..107/50}"], "nick": ["Bo", "Cy", "Di", "Fi", "Jo"]},
  "notes": ["{p}: {v}"], "questions": ["{p}?"], "denied": ["{p} is not {v}."], "asking": ["Is {p} {v}?"], "chatter": ["Rain."],
  "aliases": {"generator": "nick", "subjects": ["woman"], "notes": ["{a} is {s}."], "asked_alias": ["alias of {s}?"], "asked_name": ["name of {a}?"]},
  "relations": [
    {"key": "job", "subjects": ["anyone"], "value": "job", "phrase": "job of {s}", "notes": ["{s} is a {v}."], "questions": ["job of {s}?"], "denied": ["{s} is no {v}."]},
    {"key": "room", "subjects": ["anyone"], "value": "number", "phrase": "room of {s}", "notes": ["{s} is in {v}."], "questions": ["room of {s}?"], "denied": ["{s} left {v}."]},
    {"key": "friend", "subjects": ["woman"], "value": "woman", "hop": true, "tells": ["friend"], "phrase": "friend of {s}", "notes": ["{s} likes {v}."],
      "questions": ["friend of {s}?"], "denied": ["{s} hates {v}."]},
    {"key": "bus", "held_back": true, "subjects": ["anyone"], "value": "number", "phrase": "bus of {s}", "notes": ["{s's} bus is {v}."], "questions": ["bus of {s}?"], "denied": ["{s} walks, no {v}."]}
  ]}}})";

std::set<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}
bool may_be(const std::string& a, const std::string& b) {
  const auto one = words(a), other = words(b);
  return std::includes(one.begin(), one.end(), other.begin(), other.end()) ||
         std::includes(other.begin(), other.end(), one.begin(), one.end());
}
/// "job", "Ada Berg" of "job of Ada Berg?".
std::pair<std::string, std::string> asked_of(std::string question) {
  if (question.ends_with('?')) question.pop_back();
  const auto at = question.find(" of ");
  REQUIRE(at != std::string::npos);
  std::string what = question.substr(0, at);
  if (what.front() >= 'A' && what.front() <= 'Z') what.front() = static_cast<char>(what.front() - 'A' + 'a');
  return {what, question.substr(at + 4)};
}
bool stands_in(const strings& notes, const std::string& answer) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(answer) != std::string::npos; });
}
/// Everything a reader could see of a set.
std::string printed(const data::edit_set& set) {
  std::string text;
  for (const data::edit_case& c : set.cases) {
    text += c.id + '|' + c.subject + '|' + c.kind + '|' + c.level + (c.part == data::data_part::test ? "|test" : "|");
    for (const std::string& note : c.notes) text += '|' + note;
    for (const data::probe& p : c.in_scope) text += '|' + p.question + '|' + p.answers.front();
    for (const auto& group : c.unrelated) {
      for (const data::probe& p : group.probes) text += '|' + group.name + '|' + p.question;
    }
    text += '\n';
  }
  return text;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("notes from templates contradict nothing and leave the others' questions open", "[data][note_templates]") {
  const test::temp_folder folder;
  const std::string path = folder.write("t.json", small);
  std::set<std::string> groups, kinds;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto set = data::read_note_templates(path, {.seed = seed, .n_note = 12});
    std::map<std::pair<std::string, std::string>, std::string> told;
    std::size_t n_note = 0;
    for (const data::edit_case& c : set.cases) {
      n_note += c.notes.size();
      kinds.insert(c.kind);
      for (const data::probe& p : c.in_scope) {
        const auto [what, whom] = asked_of(p.question);
        const bool two_hops = whom.find(" of ") != std::string::npos;
        CHECK(two_hops == (c.kind == "two_hop" && !p.bridges.empty()));
        if (two_hops) {
          CHECK(c.notes.size() == 2);
          CHECK(p.bridges.front() != p.answers.front());
          continue;
        }
        told.emplace(std::pair(what, whom), p.answers.front());
        if (what == "friend") told.emplace(std::pair(what, p.answers.front()), whom);
      }
    }
    CHECK(n_note >= 12);
    CHECK(n_note <= 13);
    for (auto one = told.begin(); one != told.end(); ++one) {
      for (auto other = told.begin(); other != told.end(); ++other) {
        const bool same = one->first.first == other->first.first && may_be(one->first.second, other->first.second);
        if (same) CHECK(one->second == other->second);
      }
    }
    for (const data::edit_case& c : set.cases) {
      for (const data::probe_group& group : c.unrelated) {
        groups.insert(group.name);
        for (const data::probe& p : group.probes) {
          CHECK(p.answers.empty());
          const auto asked = asked_of(p.question);
          const auto& what = asked.first;
          auto whom = asked.second;
          INFO(seed << ": " << p.question);
          if (group.name == "one_hop_missing") {
            const auto bridge = std::find_if(c.in_scope.begin(), c.in_scope.end(), [&](const data::probe& first) {
              const auto [hop, subject] = asked_of(first.question);
              return hop == "friend" && (c.kind == "alias" || whom == "friend of " + subject);
            });
            REQUIRE(bridge != c.in_scope.end());
            whom = bridge->answers.front();
          }
          for (const auto& [fact, unused] : told) CHECK_FALSE((fact.first == what && may_be(fact.second, whom)));
        }
      }
    }
  }
  CHECK(groups == std::set<std::string>{"denied", "one_hop_missing", "other_attribute", "other_subject"});
  CHECK(kinds == std::set<std::string>{"alias", "bus", "friend", "job", "room", "two_hop"});
  CHECK_THROWS_AS(data::read_note_templates(path, {.n_note = 2000}), config_error);
}

TEST_CASE("the templates give the same notes again, and notes of all kinds", "[data][note_templates]") {
  const std::string path = real_file();
  const auto set = data::open_edit_set("templates", path);
  CHECK(printed(set) == printed(data::read_note_templates(path)));
  CHECK(printed(set) != printed(data::read_note_templates(path, {.seed = 1})));
  CHECK(data::read_note_templates(path, {.n_note = 0}).cases.empty());

  std::size_t n_note = 0, n_hop = 0, n_page = 0, n_test = 0;
  std::map<std::string, std::size_t> languages, groups;
  std::map<std::string, std::string> answers;
  std::set<std::string> kinds, held_back, learned, open;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    const data::edit_case& c = set.cases[i];
    CHECK(c.id == std::to_string(i));
    CHECK_FALSE(c.subject.empty());
    REQUIRE(c.part.has_value());
    REQUIRE_FALSE(c.notes.empty());
    n_note += c.notes.size();
    ++languages[c.level];
    kinds.insert(c.kind);
    n_test += c.part == data::data_part::test;
    if (c.kind != "two_hop" && c.kind != "alias")
      (c.part == data::data_part::test ? held_back : learned).insert(c.kind);
    n_page += c.notes.front().size() > 150;
    for (const data::probe& p : c.in_scope) {
      INFO(p.question);
      REQUIRE(p.answers.size() == 1);
      CHECK(stands_in(c.notes, p.answers.front()));
      const auto [at, fresh] = answers.emplace(p.question, p.answers.front());
      if (!fresh) CHECK(at->second == p.answers.front());
      for (const std::string& bridge : p.bridges) {
        ++n_hop;
        CHECK(stands_in(c.notes, bridge));
        CHECK(bridge != p.answers.front());
      }
      for (const char sign : {'{', '}'}) CHECK(p.question.find(sign) == std::string::npos);
    }
    for (const std::string& note : c.notes) CHECK(note.find_first_of("{}") == std::string::npos);
    for (const data::probe_group& group : c.unrelated) {
      groups[group.name] += group.probes.size();
      for (const data::probe& p : group.probes) open.insert(p.question);
    }
    CHECK((!c.in_scope.empty() || !c.unrelated.empty()));
  }
  for (const std::string& question : open) CHECK(answers.count(question) == 0);
  for (const std::string& kind : held_back) CHECK(learned.count(kind) == 0);
  CHECK(n_note >= 2400);
  CHECK(n_note <= 2401);
  CHECK(kinds.size() > 150);
  CHECK(n_test > set.cases.size() / 8);
  CHECK(n_test < set.cases.size() / 3);
  CHECK(n_hop > 200);
  CHECK(n_page > 150);
  CHECK(languages["en"] > languages["de"]);
  CHECK(languages.size() == 4);
  for (const char* group : {"denied", "one_hop_missing", "other_attribute", "other_subject"})
    CHECK(groups[group] > 150);
}

TEST_CASE("malformed templates are refused by their place", "[data][note_templates]") {
  const test::temp_folder folder;
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    INFO(to);
    CHECK_THROWS_WITH(data::read_note_templates(folder.write("t.json", replaced(small, from, to))),
                      Catch::Contains(message));
  };
  refused("{s} is in {v}.", "{s} is in {w}.", "relations[1].notes[0]: expected the name of a generator, found 'w'");
  refused("{s} is in {v}.", "{s} is in it.", "relations[1].notes[0]: expected the slot {v}");
  refused("{s} is in {v}.", "{s} is in {v.", "relations[1].notes[0]: expected a closing brace");
  refused("{s} is in {v}.", "{s} is {in {v}.", "relations[1].notes[0]: expected slots in braces");
  refused("{007..107/50}", "{107..7}", "generators.number[0]: expected a range");
  refused("\"value\": \"number\"", "\"value\": \"numbers\"",
          "relations[1].value: expected the name of a generator, found 'numbers'");
  refused("{first} {last}", "{anyone} {last}", "expected generators that end");
  refused("\"key\": \"room\"", "\"key\": \"job\"", "relations[1].key: expected a key once");
  refused("\"share\": 1", "\"share\": -1", "en.share");
  refused("\"share\": 1", "\"share\": 0", "languages: expected shares above 0");
  refused("\"phrase\": \"friend of {s}\", ", "", "relations[2]: expected a phrase");
  refused("\"stop\": \".\"", "\"end\": \".\"", "expected a field 'stop'");
  refused("\"held_back\": true", "\"held_back\": 1", "held_back: expected true or false");
  refused("[\"Rain.\"]", "[]", "chatter: expected at least one text");
  CHECK_THROWS_AS(data::read_note_templates(folder.write("t.json", R"({"languages": {}})")), format_error);
  CHECK_THROWS_AS(data::read_note_templates(folder.write("t.json", R"({"languages": []})")), format_error);
  CHECK_THROWS_AS(data::read_note_templates(folder.file("missing.json")), io_error);
}

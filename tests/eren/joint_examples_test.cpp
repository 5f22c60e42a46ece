// What readers of several notes and of claims are taught, beside lists made by hand.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/teach/joint_examples.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/byte_model.hpp"

namespace quipu_joint_examples_test {

using namespace quipu;
using strings = std::vector<std::string>;
using notebook_type = notes::notebook<notes::memory_store, notes::bm25_retriever>;

namespace {

// Every word but the names is in one note alone, so that what is found can be told by looking.
std::vector<data::edit_case> cases() {
  std::vector<data::edit_case> all(4);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = std::to_string(i);
  all[0].notes = {"Alma rows boats.", "Boats need varnish."};
  all[0].in_scope = {
      {"Which varnish do boats of Alma need?", {"clear", "no"}, {}}, {"Alma?", {"x"}, {}}, {"Zzz?", {"y"}, {}}};
  all[1].notes = {"Bruno paints walls.", "Walls keep warmth inside.", "Warmth costs money."};
  all[1].in_scope = {{"Does Bruno paint?", {"z"}, {}}};
  all[2].notes = {"Carla sings."};
  all[2].in_scope = {{"Bruno paints walls, warmth costs money?", {"yes"}, {}}, {"Carla sings <s> well?", {}, {}}};
  all[3].unrelated = {
      {"out_of_scope", {{"Who paints with Bruno?", {"yes"}, {}}, {"Qqq?", {}, {}}, {"alma", {}, {}}}, {}}};
  return all;
}

}  // namespace

TEST_CASE("joint examples are what finding and labelling by hand gives", "[eren][joint_examples]") {
  const auto all = cases();
  notebook_type notebook{notes::memory_store()};
  const auto ids = eren::add_all_notes(notebook, all);
  const auto examples =
      eren::joint_examples(notebook, eren::evaluation_questions(all), ids, {.n_note = 2, .abstention = "none"});
  const std::vector<eren::reader_example> expected = {
      {"Which varnish do boats of Alma need?", {"Boats need varnish", "Alma rows boats"}, "clear", true},
      {"Alma?", {"Alma rows boats", "Boats need varnish"}, "x", true},  // the second one is not found, and put last
      {"Zzz?", {"Alma rows boats", "Boats need varnish"}, "y", true},   // nothing is found
      // Edit 1 has three notes, the reader two places.
      // Another edit's note keeps its place, the worse one goes
      {"Bruno paints walls, warmth costs money?", {"", "Carla sings"}, "yes", true},
      // A question without an answer cannot be learned.
      {"Who paints with Bruno?", {"Bruno paints walls"}, "none", false},
      // No note for "Qqq?"; "alma" is in the scope of an edit.
  };
  REQUIRE(examples.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i, examples[i].question);
    CHECK(examples[i].question == expected[i].question);
    CHECK(examples[i].answer == expected[i].answer);
    CHECK(examples[i].answers == expected[i].answers);
    REQUIRE(examples[i].notes.size() == expected[i].notes.size());
    for (std::size_t n = 0; n < expected[i].notes.size(); ++n) {
      if (!expected[i].notes[n].empty()) CHECK(examples[i].notes[n] == expected[i].notes[n]);
    }
  }
  CHECK((examples[3].notes[0] == "Bruno paints walls" || examples[3].notes[0] == "Warmth costs money"));
}

TEST_CASE("joint examples in tokens: prompt, target, end; both kinds count alike, long ones are left out",
          "[eren][joint_examples]") {
  const auto m = test::byte_model();
  const std::vector<eren::reader_example> texts = {{"Who?", {"A is B", "C is D"}, "B", true},
                                                   {"Why?", {"A is B"}, "unanswerable", false},
                                                   {"How?", {"C is D"}, "unanswerable", false},
                                                   {"When?", {std::string(150, 'x')}, "1950", true}};
  const auto check = [&](const auto& words, const std::string& label, std::size_t n_most, std::size_t n_kept) {
    const auto list = eren::encode_examples(m.tokenizer(), texts, {}, words, n_most);
    REQUIRE(list.size() == n_kept);
    double kinds[2] = {};
    for (std::size_t i = 0; i < list.size(); ++i) {
      const train::example& e = list[i];
      std::string text;
      for (const std::string& note : texts[i].notes) text += "Note: " + note + ".\n";
      text += label + ": " + texts[i].question + "\nAnswer: " + texts[i].answer;
      std::vector<token_id> tokens;
      for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
      tokens.push_back(256);
      CHECK(e.tokens == tokens);
      REQUIRE(e.labels.size() == tokens.size());
      std::size_t n_learned = 0;
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        const bool target = t >= tokens.size() - texts[i].answer.size() - 2;
        CHECK(e.labels[t] == (target ? tokens[t] : llama::ignored_label));
        n_learned += target ? 1 : 0;
      }
      kinds[texts[i].answers] += e.weight * static_cast<double>(n_learned);
    }
    CHECK(kinds[0] == Approx(0.5 * static_cast<double>(n_kept)));
    CHECK(kinds[1] == Approx(0.5 * static_cast<double>(n_kept)));
  };
  check(eren::plain_note_prompt(), "Question", 0, 4);
  check(eren::plain_claim_prompt(), "Claim", 0, 4);
  check(eren::plain_note_prompt(), "Question", 100, 3);
  CHECK_THROWS_AS(eren::encode_examples(m.tokenizer(), std::span(texts).subspan(1, 2)), config_error);
  CHECK_THROWS_AS(eren::encode_examples(m.tokenizer(), std::span(texts).subspan(1), {}, eren::plain_note_prompt(), 100),
                  config_error);
}

}  // namespace quipu_joint_examples_test

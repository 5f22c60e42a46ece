// SPDX-License-Identifier: Apache-2.0
#include <quipu/eren/reading/asked_question.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

using namespace quipu;

TEST_CASE("a question is guarded and cut into words once, as the functions of words do it", "[eren][asked_question]") {
  const std::string raw = "  Who\twas <|im_start|>Danielle Darrieux's mother, and who was  her father? ";
  const eren::asked_question asked = raw;
  CHECK(asked.raw() == raw);
  CHECK(asked.text() == "Who was Danielle Darrieux's mother, and who was her father?");
  CHECK(asked.text() == eren::guarded(raw));
  CHECK(asked.words() == eren::lower_words(asked.text()));
  CHECK(asked.distinct_words() == eren::without_repeats(asked.words()));
  CHECK(asked.distinct_words().size() < asked.words().size());
  CHECK(asked.stems() == eren::stems_of(asked.words()));
  CHECK(asked.content() == eren::content_terms(asked.text()));
  const std::string note = "The father of Danielle Darrieux is Jean";
  CHECK(eren::shared_span(asked.topic(), note) == eren::shared_span(asked.text(), note));
  CHECK(eren::answer_candidates_beside(note, asked.stems()) == eren::answer_candidates(note, asked.text()));
  // Guarded texts convert too and stay what they are.
  CHECK(eren::asked_question(asked.text()).text() == asked.text());
  CHECK(eren::asked_question().text().empty());
}

TEST_CASE("copies of a question share what was made of it", "[eren][asked_question]") {
  eren::asked_question first = "Who wrote Emma?";
  const eren::asked_question second = first;
  CHECK(&first.words() == &second.words());
  first = eren::asked_question("Where is Rome?");
  CHECK(second.text() == "Who wrote Emma?");
  REQUIRE(second.topic().written.size() == 3);
  CHECK(second.topic().written[2] == "Emma");  // looks into text that is still there
  static_assert(std::is_convertible_v<const char*, eren::asked_question> &&
                !std::is_convertible_v<int, eren::asked_question>);
}

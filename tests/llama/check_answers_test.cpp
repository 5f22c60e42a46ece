// Answers as expected, answers that leave, answers that stop.
#include <quipu/llama/check_answers.hpp>

#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/byte_model.hpp"
#include "support/scripted_model.hpp"

namespace quipu_check_answers_test {

using namespace quipu;

TEST_CASE("answers are compared byte for byte and dropped where they leave", "[llama][check_answers]") {
  const test::scripted_model m({{{"one"}, " first\nMore"}, {{"two"}, " second"}, {{"three"}, " third"}}, " else");
  auto s = open_session(m, thread_team(1));
  const auto check = [&](std::vector<std::string> answers, const llama::check_options& options) {
    std::vector<llama::expected_answer> expected;
    const char* prompts[] = {"one", "two", "three", "four"};
    for (std::size_t i = 0; i < 4; ++i)
      expected.push_back({m.tokenizer().encode(prompts[i], text::special::plain), answers[i]});
    return llama::check_answers(s, m.tokenizer(), std::span<const llama::expected_answer>(expected), options);
  };
  const auto given = check({" first", " second", " three", " else"}, {.stop = {"\n"}});
  CHECK(given[0].right);
  CHECK(given[0].text == " first");
  CHECK(given[1].right);
  CHECK_FALSE(given[2].right);
  CHECK(given[2].text == " thi");  // no token more after it left
  CHECK(given[3].right);
  const auto whole = check({" first", " secon", " third", ""}, {});
  CHECK_FALSE(whole[0].right);  // goes on with a line break
  CHECK(whole[0].text == " first\n");
  CHECK_FALSE(whole[1].right);
  CHECK(whole[2].right);
  CHECK_FALSE(whole[3].right);
  CHECK(whole[3].tokens.size() == 1);
  const auto cut = check({" fir", " sec", " thi", " els"}, {.max_tokens = 4});
  for (const auto& g : cut) {
    CHECK(g.right);
    CHECK(g.tokens.size() == 4);
  }
  for (const auto& g : check({"", "x", "", ""}, {.max_tokens = 0})) CHECK(g.tokens.empty());
  const std::vector<llama::expected_answer> bad = {{{}, "x"}};
  CHECK_THROWS_AS(llama::check_answers(s, m.tokenizer(), std::span<const llama::expected_answer>(bad)), config_error);
}

TEST_CASE("an answer that is right is what generate writes", "[llama][check_answers]") {
  const auto m = test::byte_model({.d_model = 32, .n_layer = 1});
  auto s = open_session(m, thread_team(1));
  std::vector<llama::expected_answer> expected;
  for (const char* prompt : {"a", "Who is it?", "xyz"}) {
    const auto ids = m.tokenizer().encode(prompt);
    const auto sequence = s.create();
    expected.push_back({ids, llama::generate(s, m.tokenizer(), sequence, ids, {.max_tokens = 6}).text});
    s.erase(sequence);
  }
  const auto given =
      llama::check_answers(s, m.tokenizer(), std::span<const llama::expected_answer>(expected), {.max_tokens = 6});
  for (std::size_t i = 0; i < given.size(); ++i) CHECK(given[i].text == expected[i].answer);
}

}  // namespace quipu_check_answers_test

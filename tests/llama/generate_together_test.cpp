// Many texts at once are what they are one by one.
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/generate.hpp>
#include <quipu/llama/generate_together.hpp>
#include <quipu/llama/language_model.hpp>

#include "support/byte_model.hpp"
#include "support/scripted_model.hpp"

namespace quipu_generate_together_test {

using namespace quipu;
using prompts_type = std::vector<std::vector<token_id>>;

TEST_CASE("texts written together are those written alone", "[llama][generate_together]") {
  const auto m = test::byte_model({.d_model = 32, .n_layer = 1});
  prompts_type prompts;
  for (const char* text :
       {"a", "The longest prompt of all of them", "Who?", "xyz", "12", "Who?", "The longest prompt", "q"})
    prompts.push_back(m.tokenizer().encode(text));
  prompts.push_back(std::vector<token_id>(250, 65));  // ends with the context, 256
  auto alone = open_session(m, thread_team(1));
  for (const std::vector<std::string>& stop : {std::vector<std::string>{}, std::vector<std::string>{"e", "\x41"}}) {
    std::vector<std::string> expected;
    for (const auto& prompt : prompts) {
      const auto sequence = alone.create();
      expected.push_back(
          llama::generate(alone, m.tokenizer(), sequence, prompt, {.max_tokens = 12, .stop = stop}).text);
      alone.erase(sequence);
    }
    for (const std::size_t width : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{32}}) {
      auto together = open_session(m, thread_team(2));
      CHECK(llama::generate_together(together, m.tokenizer(), std::span<const std::vector<token_id>>(prompts),
                                     {.max_tokens = 12, .stop = stop, .n_together = width}) == expected);
    }
  }
}

TEST_CASE("ends, stop strings and limits of texts written together", "[llama][generate_together]") {
  const test::scripted_model m({{{"one"}, " first. More"}, {{"two"}, " no stop"}, {{"three"}, ". at once"}}, " else");
  auto s = open_session(m, thread_team(1));
  const auto texts = [&](const llama::together_options& options) {
    prompts_type prompts;
    for (const char* prompt : {"one", "two", "three", "four"})
      prompts.push_back(m.tokenizer().encode(prompt, text::special::plain));
    return llama::generate_together(s, m.tokenizer(), std::span<const std::vector<token_id>>(prompts), options);
  };
  using strings = std::vector<std::string>;
  CHECK(texts({}) == strings{" first. More", " no stop", ". at once", " else"});
  CHECK(texts({.stop = {"."}}) == strings{" first", " no stop", "", " else"});
  CHECK(texts({.max_tokens = 3, .stop = {"zz"}, .n_together = 3}) == strings{" fi", " no", ". a", " el"});
  CHECK(texts({.max_tokens = 0}) == strings(4));
  CHECK(llama::generate_together(s, m.tokenizer(), {}).empty());
  const prompts_type bad = {m.tokenizer().encode("one", text::special::plain), {}};
  CHECK_THROWS_AS(llama::generate_together(s, m.tokenizer(), std::span<const std::vector<token_id>>(bad)),
                  config_error);
}

}  // namespace quipu_generate_together_test

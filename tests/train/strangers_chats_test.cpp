// What fine-tuning learns for the chat formats that strangers brought.
#include <quipu/train/chat_examples.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/tokenizer_folder.hpp>

#include "support/strangers.hpp"

namespace text = quipu::text;
namespace train = quipu::train;
using quipu::token_id;
using quipu::test::stranger;

namespace {

std::vector<stranger> fine_tuned_chats() {
  return quipu::test::strangers_of([](const stranger& s) { return quipu::test::has_keys(s.expected, {"by template"}); });
}

// "chatml, eos is end of text" lies in chatml_eos_is_end_of_text.
std::string folder_of(std::string name) {
  std::string out;
  for (const char c : name) {
    if (c != ',') out += c == ' ' ? '_' : c;
  }
  return out;
}

}  // namespace

TEST_CASE("a learned turn ends as the model's template ends it", "[train][strangers]") {
  for (const stranger& s : fine_tuned_chats()) {
    for (const auto& [name, right] : s.expected["by template"].items()) {
      INFO(s.name << "/" << name);
      const text::any_tokenizer tokenizer(text::read_tokenizer_folder((s.input / folder_of(name)).string()));
      const std::vector<text::chat_message> messages = {{"user", "hello"}, {"assistant", "the user"}};
      const auto e = train::chat_example(tokenizer, text::chat_template_of(tokenizer), messages);
      // A beginning of the template's own turn, cut after the token that ends it.
      const auto wanted = right["ids"].get<std::vector<token_id>>();
      REQUIRE(e.tokens.size() <= wanted.size());
      CHECK(std::equal(e.tokens.begin(), e.tokens.end(), wanted.begin()));
      REQUIRE(!e.tokens.empty());
      CHECK(tokenizer.is_end(e.tokens.back()));
      CHECK(e.labels.back() == e.tokens.back());
      const auto prompt = text::encode_chat(tokenizer, text::chat_template_of(tokenizer), std::span(messages).first(1));
      for (std::size_t i = 0; i < e.tokens.size(); ++i) {
        CHECK(e.labels[i] == (i < prompt.size() ? quipu::llama::ignored_label : std::int64_t{e.tokens[i]}));
      }
    }
  }
}

TEST_CASE("of several turns all of the assistant's are learned", "[train][strangers]") {
  for (const stranger& s : fine_tuned_chats()) {
    for (const auto& entry : s.expected["by template"].items()) {
      INFO(s.name << "/" << entry.key());
      const text::any_tokenizer tokenizer(text::read_tokenizer_folder((s.input / folder_of(entry.key())).string()));
      const std::vector<text::chat_message> messages = {
          {"system", "Speak."}, {"user", "hello"}, {"assistant", "the user"}, {"user", "and"}, {"assistant", "the end"}};
      const auto e = train::chat_example(tokenizer, text::chat_template_of(tokenizer), messages);
      std::vector<std::vector<token_id>> learned;
      for (std::size_t i = 0; i < e.labels.size(); ++i) {
        if (e.labels[i] == quipu::llama::ignored_label) continue;
        if (i == 0 || e.labels[i - 1] == quipu::llama::ignored_label) learned.emplace_back();
        learned.back().push_back(e.tokens[i]);
      }
      REQUIRE(learned.size() == 2);
      for (const auto& turn : learned) CHECK(tokenizer.is_end(turn.back()));
      CHECK_THROWS_WITH(train::chat_example(tokenizer, text::chat_template_of(tokenizer), std::span(messages).first(2)),
                        Catch::Contains("assistant"));
    }
  }
}

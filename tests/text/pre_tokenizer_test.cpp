#include <catch2/catch.hpp>
#include <quipu/core/error.hpp>
#include <quipu/text/pre_tokenizer.hpp>
#include <quipu/text/utf8.hpp>
#include <random>
#include <string>
#include <vector>

using namespace quipu::text;
using words_t = std::vector<std::string>;

namespace {

words_t words_of(pre_tokenizer_kind kind, std::string_view text) {
  words_t words;
  pre_tokenizer(kind).for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

}  // namespace

TEST_CASE("each pre-tokenizer cuts as its pattern says", "[text][pre_tokenizer]") {
  const std::string text = "I'm HERE'S 1234  km\n\n and  x!?\t";
  CHECK(words_of(pre_tokenizer_kind::gpt2, text) == words_t{"I", "'m", " HERE", "'", "S", " 1234",
                                                            " ", " km", "\n\n", " and", " ", " x",
                                                            "!?", "\t"});
  CHECK(words_of(pre_tokenizer_kind::smollm, text) ==
        words_t{"I", "'m", " HERE", "'", "S", " ", "1", "2", "3", "4", " ", " km", "\n\n", " and",
                " ", " x", "!?", "\t"});
  CHECK(words_of(pre_tokenizer_kind::llama_bpe, text) == words_t{"I", "'m", " HERE", "'S", " ",
                                                                 "123", "4", " ", " km", "\n\n",
                                                                 " and", " ", " x", "!?", "\t"});
  CHECK(words_of(pre_tokenizer_kind::qwen2, text) == words_t{"I", "'m", " HERE", "'S", " ", "1",
                                                             "2", "3", "4", " ", " km", "\n\n",
                                                             " and", " ", " x", "!?", "\t"});
}

TEST_CASE("smollm's spaces before a digit stay together", "[text][pre_tokenizer]") {
  CHECK(words_of(pre_tokenizer_kind::smollm, "a   1b") == words_t{"a", "   ", "1", "b"});
  CHECK(words_of(pre_tokenizer_kind::gpt2, "a   1b") == words_t{"a", "  ", " 1", "b"});
}

TEST_CASE("letters, numbers and spaces are Unicode's", "[text][pre_tokenizer]") {
  CHECK(words_of(pre_tokenizer_kind::gpt2, "\xC3\x89t\xC3\xA9 \xE4\xBD\xA0\xE5\xA5\xBD \xC2\xBD") ==
        words_t{"\xC3\x89t\xC3\xA9", " \xE4\xBD\xA0\xE5\xA5\xBD", " \xC2\xBD"});
  // U+3000 is a space, U+180E (no longer) is not: it joins the symbols.
  CHECK(words_of(pre_tokenizer_kind::gpt2, "!\xE3\x80\x80!") == words_t{"!", "\xE3\x80\x80", "!"});
  CHECK(words_of(pre_tokenizer_kind::gpt2, "!\xE1\xA0\x8E!") == words_t{"!\xE1\xA0\x8E!"});
}

TEST_CASE("words put together are the text, whatever bytes it has", "[text][pre_tokenizer]") {
  std::mt19937 random(5);
  for (const auto kind : {pre_tokenizer_kind::gpt2, pre_tokenizer_kind::llama_bpe,
                          pre_tokenizer_kind::qwen2, pre_tokenizer_kind::smollm}) {
    const pre_tokenizer words(kind);
    for (int round = 0; round < 200; ++round) {
      std::string text(random() % 60, '\0');
      for (char& c : text)
        c = static_cast<char>(round % 2 == 0 ? random() : " a1'!\n\xC3\xA4"[random() % 8]);
      std::string joined;
      words.for_each_word(text, [&](std::string_view word) {
        if (word.empty()) FAIL("empty word");
        joined += word;
      });
      CHECK(joined == text);
    }
  }
}

TEST_CASE("invalid bytes are words of their own", "[text][pre_tokenizer]") {
  CHECK(words_of(pre_tokenizer_kind::gpt2,
                 "ab\xFF\xFE"
                 "cd") == words_t{"ab", "\xFF\xFE", "cd"});
  CHECK(words_of(pre_tokenizer_kind::gpt2, "\xE2\x82 x") == words_t{"\xE2\x82", " x"});
  CHECK(words_of(pre_tokenizer_kind::gpt2, "").empty());
}

TEST_CASE("every code point starts a word in every pattern", "[text][pre_tokenizer]") {
  for (const auto kind :
       {pre_tokenizer_kind::gpt2, pre_tokenizer_kind::llama_bpe, pre_tokenizer_kind::smollm}) {
    const pre_tokenizer words(kind);
    std::string text;
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      append_utf8(text, c);
      text +=
          "a ";  // the code point's word ends here at the latest: nothing is longer than the rest
    }
    std::size_t longest = 0;
    std::size_t total = 0;
    words.for_each_word(text, [&](std::string_view word) {
      longest = std::max(longest, word.size());
      total += word.size();
    });
    CHECK(total == text.size());
    CHECK(longest <= 7);
  }
}

TEST_CASE("runs of millions of bytes are cut without trouble", "[text][pre_tokenizer]") {
  const std::size_t n = 3'000'000;
  for (const char c : {'a', ' ', '!', '\n'}) {
    const words_t words =
        words_of(pre_tokenizer_kind::llama_bpe, std::string(n, c) + (c == ' ' ? "x" : " x"));
    REQUIRE(words.size() == 2);
    CHECK(words[0].size() >= n - 1);
  }
}

TEST_CASE("an unknown pre-tokenizer is refused by name", "[text][pre_tokenizer]") {
  CHECK(pre_tokenizer_by_name("smollm") == pre_tokenizer_kind::smollm);
  CHECK(pre_tokenizer_by_name("llama-bpe") == pre_tokenizer_kind::llama_bpe);
  CHECK_THROWS_AS(pre_tokenizer_by_name("deepseek-llm"), quipu::config_error);
  CHECK_THROWS_WITH(pre_tokenizer_by_name("deepseek-llm"), Catch::Contains("'deepseek-llm'"));
  CHECK_THROWS_WITH(pre_tokenizer_by_name(""), Catch::Contains("''"));
}

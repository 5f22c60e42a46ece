#include <quipu/notes/word_tokens.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/term_dictionary.hpp>

#include "notes/retrieval_reference.hpp"

using namespace quipu::notes;
using quipu::test::words_of;
using strings = std::vector<std::string>;

TEST_CASE("words are runs of letters and digits in lower case", "[notes][word_tokens]") {
  const all_words words;
  CHECK(words_of("Danielle Darrieux's mother-tongue is English.", words) ==
        strings{"danielle", "darrieux", "s", "mother", "tongue", "is", "english"});
  CHECK(words_of("ÅNGSTRÖM naïve — ΑΘΗΝΑ, 日本語 x_y 3.14", words) ==
        strings{"ångström", "naïve", "αθηνα", "日本語", "x", "y", "3", "14"});
  CHECK(words_of("", words).empty());
  CHECK(words_of(" ... !", words).empty());
  CHECK(words_of("a\xff" "b \xe2\x82", words) == strings{"a", "b"});
}

TEST_CASE("lower case never outgrows the room that is made for it", "[notes][word_tokens]") {
  std::size_t n_longer = 0;
  for (char32_t code = 0x80; code < 0x110000; ++code) {
    if (!is_word_character(code)) continue;
    std::string given, lower;
    quipu::text::append_utf8(given, code);
    quipu::text::append_utf8(lower, to_lower(code));
    n_longer += lower.size() > given.size() ? 1 : 0;
    if (2 * lower.size() > 3 * given.size()) FAIL("U+" << std::hex << static_cast<unsigned>(code));
  }
  CHECK(n_longer > 0);
  std::string given, lower;
  for (int i = 0; i < 1000; ++i) {
    given += "\u023a";
    lower += "\u2c65";
  }
  CHECK(words_of(given + " " + given, all_words()) == strings{lower, lower});
}

TEST_CASE("stop words go unless there is nothing else", "[notes][word_tokens]") {
  const content_words words;
  CHECK(words_of("What is the capital of Norway?", words) == strings{"capital", "norway"});
  CHECK(words_of("Where is it?", words) == strings{"where", "is", "it"});
  for (const char* stop : {"a", "an", "the", "which", "whom", "'s", "s", "its"}) CHECK(is_stop_word(stop));
  for (const char* word : {"", "b", "capital", "ss", "whoms", "A"}) CHECK_FALSE(is_stop_word(word));
}

TEST_CASE("a dictionary numbers terms in the order of their coming", "[notes][word_tokens]") {
  term_dictionary dictionary;
  CHECK(dictionary.find("x") == term_dictionary::absent);
  dictionary.insert("x");
  CHECK(dictionary.find({}) == term_dictionary::absent);
  CHECK(dictionary.insert({}) == 1);  // no address: a call of memcpy with it is undefined, which ubsan shows
  CHECK(dictionary.find("") == 1);
  dictionary = {};
  std::vector<std::string> terms = {""};
  for (int i = 0; i < 20000; ++i) terms.push_back("term number " + std::to_string(i * 7919));
  for (std::size_t i = 0; i < terms.size(); ++i) CHECK(dictionary.insert(terms[i]) == i);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    CHECK(dictionary.find(terms[i]) == i);
    CHECK(dictionary.insert(terms[i]) == i);
    CHECK(dictionary[static_cast<std::uint32_t>(i)] == terms[i]);
  }
  CHECK(dictionary.find("term number 1") == term_dictionary::absent);
  CHECK(dictionary.size() == terms.size());
}

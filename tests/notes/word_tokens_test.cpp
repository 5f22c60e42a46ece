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
  CHECK(words_of("ÅNGSTRÖM naïve — ΑΘΗΝΑ, x_y 3.14", words) == strings{"ångström", "naïve", "αθηνα", "x", "y", "3", "14"});
  CHECK(words_of("", words).empty());
  CHECK(words_of(" ... !", words).empty());
  CHECK(words_of("a\xff" "b \xe2\x82", words) == strings{"a", "b"});
}

TEST_CASE("words that are the same to a reader are the same to a search", "[notes][word_tokens]") {
  const all_words words;
  CHECK(words_of("cafe\u0301 CAFÉ", words) == strings{"café", "café"});
  CHECK(words_of("Straße STRASSE \u1e9e", words) == strings{"strasse", "strasse", "ss"});
  CHECK(words_of("İstanbul \ufb01nd ½", words) == strings{"istanbul", "find", "1", "2"});
  CHECK(words_of("Ａ１ ｶﾞ", words) == strings{"a1", "ガ"});
  CHECK(words_of("ΟΔΟΣ οδος οδοσ", words) == strings{"οδοσ", "οδοσ", "οδοσ"});
  CHECK(words_of("हिन्दी, நாடு", words) == strings{"हिन्दी", "நாடு"});       // vowel signs belong to their word
  CHECK(words_of("co\u00adoperate zero\u200bwidth", words) == strings{"cooperate", "zerowidth"});  // not seen
  CHECK(words_of("\u0301a", words) == strings{"a"});
}

TEST_CASE("scripts without blanks come in pairs of letters", "[notes][word_tokens]") {
  const all_words words;
  CHECK(words_of("挪威的首都", words) == strings{"挪威", "威的", "的首", "首都"});
  CHECK(words_of("猫。我的 iPhone手机2024年", words) == strings{"猫", "我的", "iphone", "手机", "2024", "年"});
  CHECK(words_of("ノルウェーの首都", words) == strings{"ノル", "ルウ", "ウェ", "ェー", "ーの", "の首", "首都"});
  CHECK(words_of("ที่นี่", words) == strings{"ที่นี่"});  // two letters, each with its marks
  CHECK(words_of("𠮷野家", words) == strings{"𠮷野", "野家"});
  CHECK(words_of("서울은 수도", words) == strings{"서울은", "수도"});  // Hangul has blanks
}

TEST_CASE("any character may stand in a text", "[notes][word_tokens]") {
  std::string text;
  for (char32_t code = 1; code < 0x110000; code += 7) {
    if (code >= 0xd800 && code < 0xe000) continue;
    quipu::text::append_utf8(text, code);
    if (code % 5 == 0) text += ' ';
    if (code % 11 == 0) text += '\xff';
  }
  std::size_t n_byte = 0;
  for (const std::string& word : words_of(text, all_words())) {
    REQUIRE_FALSE(word.empty());
    CHECK(quipu::text::valid_utf8_prefix(word) == word.size());
    n_byte += word.size();
  }
  CHECK(n_byte > 90'000);
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

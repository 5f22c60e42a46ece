#include <quipu/text/wordpiece.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/temp_folder.hpp"

using quipu::token_id;
using quipu::text::wordpiece;
using ids = std::vector<token_id>;

namespace {

const std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##believ", "##able", "cafe",
                                         ",",     "word",  "##s",   "日",    "本", "!",        "a"};

}  // namespace

TEST_CASE("words are cut into the longest pieces there are", "[text][wordpiece]") {
  const wordpiece tokenizer(tokens);
  CHECK(tokenizer.encode("unbelievable words", 20) == ids{2, 4, 5, 6, 9, 10, 3});
  CHECK(tokenizer.encode("Café, CAFE\xcc\x81!", 20) == ids{2, 7, 8, 7, 13, 3});
  CHECK(tokenizer.encode("日本", 20) == ids{2, 11, 12, 3});
  CHECK(tokenizer.encode("unknown word", 20) == ids{2, 1, 9, 3});
  CHECK(tokenizer.encode("", 20) == ids{2, 3});
  // Soft hyphen and controls vanish
  CHECK(tokenizer.encode("wo\xc2\xadrd \xef\xbf\xbd" "a\x01", 20) == ids{2, 9, 14, 3});
  CHECK(tokenizer.encode(std::string(101, 'a') + " a", 20) == ids{2, 1, 14, 3});
  CHECK(tokenizer.encode("a a a a a a", 5) == ids{2, 14, 14, 14, 3});
  CHECK(tokenizer.encode("[SEP] a", 20) == ids{2, 1, 1, 1, 14, 3});  // text, not a special token
  CHECK(tokenizer.encode("\xff" "a\xe2\x82", 20) == ids{2, 14, 3});
  CHECK_THROWS_AS(tokenizer.encode("a", 1), quipu::config_error);
  CHECK_THROWS_AS(wordpiece({"a", "b"}), quipu::format_error);
  CHECK_THROWS_AS(wordpiece({"[CLS]", "[SEP]", "[UNK]", "a", "a"}), quipu::format_error);
}

TEST_CASE("a tokenizer.json of another kind or with broken ids is refused", "[text][wordpiece]") {
  const quipu::test::temp_folder folder;
  const auto read = [&](const char* text) {
    return wordpiece::from_tokenizer_json(folder.write("tokenizer.json", text));
  };
  CHECK(
      read(
          R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "A": 3}}, "normalizer": {"lowercase": false}})")
          .encode("A a", 9) == ids{0, 3, 2, 1});
  CHECK_THROWS_AS(read("{"), quipu::format_error);
  CHECK_THROWS_AS(read("[]"), quipu::format_error);
  CHECK_THROWS_AS(read(R"({"model": {"type": "BPE", "vocab": {"a": 0}}})"), quipu::format_error);
  CHECK_THROWS_AS(read(R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": 7}}})"), quipu::format_error);
  CHECK_THROWS_AS(read(R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "[SEP]": 0}}})"), quipu::format_error);
  CHECK_THROWS_AS(read(R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": -1}}})"), quipu::format_error);
  CHECK_THROWS_AS(wordpiece::from_tokenizer_json(folder.file("absent.json")), quipu::io_error);
}

#include <catch2/catch.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <utility>
#include <vector>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using ids_t = std::vector<quipu::token_id>;

TEST_CASE("any_tokenizer is the tokenizer that the vocabulary names", "[text][any_tokenizer]") {
  const any_tokenizer bytes(quipu::test::tiny_byte_level({{"a", "b"}}));
  REQUIRE(bytes);
  CHECK(bytes.encode("ab") == ids_t{256});
  CHECK(bytes.n_vocab() == 259);
  CHECK(bytes.eos() == 257);
  CHECK(bytes.is_control(257));
  CHECK(bytes.is_end(257));
  CHECK(bytes.find_special("<|endoftext|>") == 257);
  CHECK(bytes.piece(256) == "ab");

  const any_tokenizer pieces(quipu::test::tiny_sentencepiece({"\xE2\x96\x81"
                                                              "a",
                                                              "\xE2\x96\x81", "a"},
                                                             {0, -1, -2}));
  CHECK(pieces.encode("a") == ids_t{259});
  CHECK(pieces.bos() == 1);
  CHECK(pieces.add_bos());
  CHECK_FALSE(pieces.add_eos());
  CHECK(pieces.leading_piece(259) == "a");
  CHECK(pieces.vocab().add_space_prefix);
}

TEST_CASE("a checkpoint without a vocabulary has no tokenizer, and says so",
          "[text][any_tokenizer]") {
  for (const any_tokenizer& none : {any_tokenizer(), any_tokenizer(vocabulary{})}) {
    CHECK_FALSE(none);
    CHECK(none.n_vocab() == 0);
    CHECK(none.bos() == quipu::no_token);
    CHECK(none.eos() == quipu::no_token);
    CHECK_FALSE(none.add_bos());
    CHECK_FALSE(none.add_eos());
    CHECK(none.find_special("<s>") == quipu::no_token);
    CHECK_THROWS_AS(none.encode("a"), quipu::config_error);
    CHECK_THROWS_AS(none.piece(0), quipu::config_error);
    CHECK_THROWS_AS(none.leading_piece(0), quipu::config_error);
    CHECK_THROWS_AS(none.is_control(0), quipu::config_error);
    CHECK_THROWS_AS(none.is_end(0), quipu::config_error);
    CHECK_THROWS_AS(none.vocab(), quipu::config_error);
  }
}

TEST_CASE("copies live longer than what they were copied from", "[text][any_tokenizer]") {
  any_tokenizer copy;
  {
    const any_tokenizer first(quipu::test::tiny_byte_level({{"x", "y"}}));
    copy = first;
  }
  CHECK(copy.encode("xyxy") == ids_t{256, 256});
}

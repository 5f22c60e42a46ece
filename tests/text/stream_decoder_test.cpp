#include <catch2/catch.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/tokenizer_archetype.hpp"
#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::token_id;
using ids_t = std::vector<token_id>;
using quipu::test::tokenizer_archetype;

namespace {

ids_t bytes_of(std::string_view text) { return tokenizer_archetype{}.encode(text, special::plain); }

std::string streamed(const auto& tokenizer, const ids_t& ids) {
  stream_decoder decoder(tokenizer);
  std::string text;
  for (const token_id id : ids) {
    const std::string more = decoder.push(id);
    if (!is_valid_utf8(more)) FAIL("half a character came out");
    text += more;
  }
  return text + decoder.flush();
}

}  // namespace

TEST_CASE("a character comes out when its last byte has come in", "[text][stream_decoder]") {
  stream_decoder decoder(tokenizer_archetype{});
  CHECK(decoder.push('a') == "a");
  CHECK(decoder.push(0xF0).empty());
  CHECK(decoder.push(0x9F).empty());
  CHECK(decoder.push(0x99).empty());
  CHECK(decoder.push(0x82) == "\xF0\x9F\x99\x82");
  CHECK(decoder.push(256).empty());  // control
  CHECK(decoder.push(0xE2).empty());
  CHECK(decoder.push('b') ==
        "\xEF\xBF\xBD"
        "b");
  CHECK(decoder.push(0xFF) == "\xEF\xBF\xBD");
  CHECK(decoder.push(0xE2).empty());
  CHECK(decoder.push(0x82).empty());
  CHECK(decoder.flush() == "\xEF\xBF\xBD");
  CHECK(decoder.flush().empty());
  CHECK(decoder.push('c') == "c");  // usable again
  CHECK_THROWS_AS(decoder.push(999), quipu::config_error);
}

TEST_CASE("streaming gives the text of the whole with bad bytes replaced, for any bytes",
          "[text][stream_decoder]") {
  std::mt19937 random(17);
  const std::string good = "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82z";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    const std::size_t n = random() % 20;
    for (std::size_t i = 0; i < n; ++i)
      bytes += random() % 3 == 0 ? static_cast<char>(random()) : good[random() % good.size()];
    CHECK(streamed(tokenizer_archetype{}, bytes_of(bytes)) == replace_invalid_utf8(bytes));
    CHECK(decode(tokenizer_archetype{}, bytes_of(bytes)) == replace_invalid_utf8(bytes));
    CHECK((decode_bytes(tokenizer_archetype{}, bytes_of(bytes)) == bytes));
  }
}

TEST_CASE("stopping anywhere and going on gives the whole text", "[text][stream_decoder]") {
  const auto golden = quipu::test::golden_case("tokenizers/llama2.json");
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const any_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  for (const auto& one : quipu::test::read_cases(golden)) {
    const auto ids = one["ids"].get<ids_t>();
    const auto whole = one["decoded"].get<std::string>();
    INFO(one["text"]);
    CHECK(streamed(tokenizer, ids) == whole);
    for (std::size_t split = 0; split <= ids.size(); ++split) {
      stream_decoder decoder(tokenizer);
      std::string text;
      for (std::size_t i = 0; i < split; ++i) text += decoder.push(ids[i]);
      // What is out is a prefix of the whole text, and no character of it is torn.
      if (!is_valid_utf8(text) || whole.compare(0, text.size(), text) != 0)
        FAIL("split at " << split);
      for (std::size_t i = split; i < ids.size(); ++i) text += decoder.push(ids[i]);
      text += decoder.flush();
      if (text != whole) FAIL("split at " << split);
    }
  }
}

TEST_CASE("only the first space of a sentencepiece text is dropped", "[text][stream_decoder]") {
  const any_tokenizer tokenizer(quipu::test::tiny_sentencepiece(
      {"\xE2\x96\x81", "\xE2\x96\x81\xE2\x96\x81", "a"}, {0, -1, -2}));
  CHECK(decode(tokenizer, ids_t{259, 261, 259, 261}) == "a a");
  CHECK(decode(tokenizer, ids_t{1, 1, 259, 259, 261}) ==
        " a");  // control tokens in front do not count
  CHECK(decode(tokenizer, ids_t{260, 261}) == " a");
  CHECK(decode(tokenizer, ids_t{261, 259, 261}) == "a a");
  CHECK(decode(tokenizer, ids_t{}).empty());
  stream_decoder decoder(tokenizer);
  CHECK(decoder.push(259).empty());
  CHECK(decoder.push(259) == " ");
  CHECK(decoder.flush().empty());
  CHECK(decoder.push(259).empty());  // a new text
}

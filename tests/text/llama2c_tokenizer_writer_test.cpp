#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/llama2c_tokenizer_writer.hpp>

#include <string>

#include <catch2/catch.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

namespace quipu_llama2c_tokenizer_writer_test {

using namespace quipu::text;
using quipu::config_error;

TEST_CASE("llama2.c's files are written as its exporter wrote them", "[text][llama2c_tokenizer]") {
  const auto folder = quipu::test::shared_root() / "data";
  for (const auto& [path, n_vocab] : {std::pair{folder / "models" / "stories260K" / "tok512.bin", std::size_t{512}},
                                      {folder / "tokenizers" / "llama2" / "tokenizer.bin", std::size_t{32000}}}) {
    QUIPU_NEEDS(path);
    CHECK(llama2c_tokenizer_text(read_llama2c_tokenizer(path.string(), n_vocab)) == quipu::test::read_bytes(path));
  }
}

TEST_CASE("a SentencePiece model survives", "[text][llama2c_tokenizer]") {
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(path);
  const vocabulary source = read_sentencepiece_model(path.string());
  const vocabulary read = parse_llama2c_tokenizer(llama2c_tokenizer_text(source), source.tokens.size(), "written");
  CHECK(read.tokens == source.tokens);
  CHECK(read.scores == source.scores);
  CHECK((read.kinds == source.kinds));
}

TEST_CASE("what tokenizer.bin cannot state is refused", "[text][llama2c_tokenizer]") {
  const vocabulary good = quipu::test::tiny_sentencepiece({"a", "b", "ab"}, {-1, -2, -3});
  CHECK_NOTHROW(llama2c_tokenizer_text(good));
  CHECK_THROWS_AS(llama2c_tokenizer_text(quipu::test::tiny_byte_level({})), config_error);
  CHECK_THROWS_AS(llama2c_tokenizer_text(vocabulary{}), config_error);
  const auto changed = [&](auto change) {
    vocabulary v = good;
    change(v);
    return v;
  };
  CHECK_THROWS_AS(llama2c_tokenizer_text(changed([](vocabulary& v) { v.eos = 5; })), config_error);
  CHECK_THROWS_AS(llama2c_tokenizer_text(changed([](vocabulary& v) { v.add_space_prefix = false; })), config_error);
  CHECK_THROWS_AS(llama2c_tokenizer_text(changed([](vocabulary& v) { v.add_eos = true; })), config_error);
  CHECK_THROWS_WITH(llama2c_tokenizer_text(changed([](vocabulary& v) { v.kinds.back() = token_kind::user_defined; })),
                    Catch::Contains("'ab'"));
  CHECK_THROWS_AS(llama2c_tokenizer_text(changed([](vocabulary& v) { v.tokens.back() = "<0x41>"; })), config_error);
}

}  // namespace quipu_llama2c_tokenizer_writer_test

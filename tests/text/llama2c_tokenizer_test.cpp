#include <bit>
#include <catch2/catch.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <string>

#include "support/hostile.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::format_error;

namespace {

std::string word(std::uint32_t value) {
  std::string out;
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string token(const std::string& text, float score) {
  return word(std::bit_cast<std::uint32_t>(score)) + word(static_cast<std::uint32_t>(text.size())) +
         text;
}
std::string five_tokens() {
  return word(6) + token("<unk>", 0) + token("\n<s>\n", 0) + token("\n</s>\n", 0) +
         token("<0x41>", 0) + token(" a", -2.5f);
}

void check_same_vocabulary(const vocabulary& a, const vocabulary& b) {
  CHECK((a.tokens == b.tokens));
  CHECK((a.scores == b.scores));
  CHECK((a.kinds == b.kinds));
  CHECK(a.bos == b.bos);
  CHECK(a.eos == b.eos);
  CHECK(a.unk == b.unk);
  CHECK(a.add_bos == b.add_bos);
  CHECK(a.add_space_prefix == b.add_space_prefix);
}

}  // namespace

TEST_CASE("a tokenizer.bin gives the pieces of the model that it came from",
          "[text][llama2c_tokenizer]") {
  const vocabulary v = parse_llama2c_tokenizer(five_tokens(), 5, "test.bin");
  CHECK(v.tokens == std::vector<std::string>{"<unk>", "<s>", "</s>", "<0x41>",
                                             "\xE2\x96\x81"
                                             "a"});
  CHECK(v.scores[4] == -2.5f);
  CHECK(v.kinds == std::vector<token_kind>{token_kind::unknown, token_kind::control,
                                           token_kind::control, token_kind::byte,
                                           token_kind::normal});
}

TEST_CASE("tok512.bin equals tok512.model", "[text][llama2c_tokenizer]") {
  const auto folder = quipu::test::shared_root() / "data/models/stories260K";
  QUIPU_NEEDS(folder / "tok512.bin");
  QUIPU_NEEDS(folder / "tok512.model");
  check_same_vocabulary(read_llama2c_tokenizer((folder / "tok512.bin").string(), 512),
                        read_sentencepiece_model((folder / "tok512.model").string()));
}

TEST_CASE("llama2's tokenizer.bin equals its tokenizer.model", "[text][llama2c_tokenizer]") {
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(path);
  const vocabulary model = quipu::test::read_vocabulary(path);
  check_same_vocabulary(
      read_llama2c_tokenizer((path.parent_path() / "tokenizer.bin").string(), model.tokens.size()),
      model);
}

TEST_CASE("the number of tokens must be right", "[text][llama2c_tokenizer]") {
  CHECK_THROWS_WITH(parse_llama2c_tokenizer(five_tokens(), 4, "test.bin"),
                    Catch::Contains("more bytes"));
  CHECK_THROWS_AS(parse_llama2c_tokenizer(five_tokens(), 6, "test.bin"), format_error);
  CHECK(parse_llama2c_tokenizer(five_tokens(), 0, "test.bin").tokens.size() == 5);  // all that there are
  CHECK_THROWS_AS(parse_llama2c_tokenizer(five_tokens().substr(0, 30), 0, "test.bin"), format_error);
  CHECK_THROWS_AS(parse_llama2c_tokenizer(five_tokens(), static_cast<std::size_t>(-1), "test.bin"),
                  format_error);
  CHECK_THROWS_AS(parse_llama2c_tokenizer("", 5, "test.bin"), format_error);
}

TEST_CASE("damaged files are refused or read, never more", "[text][llama2c_tokenizer]") {
  const auto read = [](std::span<const std::byte> damaged) {
    (void)parse_llama2c_tokenizer({reinterpret_cast<const char*>(damaged.data()), damaged.size()},
                                  5, "damaged");
  };
  CHECK(quipu::test::truncations(five_tokens(), read).accepted == 0);
  CHECK(quipu::test::flips(five_tokens(), read).refused > 0);
}

TEST_CASE("a missing tokenizer.bin is an io_error", "[text][llama2c_tokenizer]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_AS(read_llama2c_tokenizer(folder.file("none.bin"), 5), quipu::io_error);
  CHECK(read_llama2c_tokenizer(folder.write("a.bin", five_tokens()), 5).tokens.size() == 5);
}

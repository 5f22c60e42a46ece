#include <bit>
#include <catch2/catch.hpp>
#include <cstring>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <string>
#include <vector>

#include "support/hostile.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::format_error;

namespace {

// A writer of the format, as small as the tests need.
std::string number(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  return out + static_cast<char>(value);
}
std::string integer(unsigned field, std::int64_t value) {
  return number(field << 3) + number(static_cast<std::uint64_t>(value));
}
std::string bytes(unsigned field, const std::string& value) {
  return number(field << 3 | 2) + number(value.size()) + value;
}
std::string piece(const std::string& text, float score, int type) {
  char raw[4];
  const auto bits = std::bit_cast<std::uint32_t>(score);
  std::memcpy(raw, &bits, 4);
  return bytes(1, bytes(1, text) + number(2 << 3 | 5) + std::string(raw, 4) +
                      (type == 1 ? "" : integer(3, type)));
}

struct model_parts {
  std::string trainer =
      integer(3, 2) + integer(35, 1) + integer(40, 0) + integer(41, 1) + integer(42, 2) + integer(43, -1);
  std::string normalizer = bytes(1, "identity") + integer(3, 1) + integer(4, 0) + integer(5, 1);
  std::string pieces = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) +
                       piece("<0x41>", 0, 6) +
                       piece(
                           "\xE2\x96\x81"
                           "a",
                           -1.5f, 1) +
                       piece("tool", 0, 4) + piece("old", -3, 5);
  [[nodiscard]] std::string model() const {
    return pieces + bytes(2, trainer) + bytes(3, normalizer) + bytes(4, "later field");
  }
};

vocabulary parse(const std::string& model) {
  return parse_sentencepiece_model(model, "test.model");
}

}  // namespace

TEST_CASE("a tokenizer.model gives pieces, scores, kinds and ids", "[text][sentencepiece_model]") {
  const vocabulary v = parse(model_parts{}.model());
  CHECK(v.kind == tokenizer_kind::sentencepiece);
  REQUIRE(v.tokens.size() == 7);
  CHECK(v.tokens[4] ==
        "\xE2\x96\x81"
        "a");
  CHECK(v.scores[4] == -1.5f);
  CHECK(v.kinds == std::vector<token_kind>{token_kind::unknown, token_kind::control,
                                           token_kind::control, token_kind::byte,
                                           token_kind::normal, token_kind::user_defined,
                                           token_kind::unused});
  CHECK(v.unk == 0);
  CHECK(v.bos == 1);
  CHECK(v.eos == 2);
  CHECK(v.pad == quipu::no_token);
  CHECK(v.add_bos);
  CHECK_FALSE(v.add_eos);
  CHECK(v.add_space_prefix);
}

TEST_CASE("models of another kind are refused by name", "[text][sentencepiece_model]") {
  model_parts parts;
  parts.trainer = integer(3, 1);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("unigram"));
  parts.trainer = "";  // unigram is the format's default
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("unigram"));
  parts = {};
  parts.trainer += integer(24, 1);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("treat_whitespace_as_suffix"));
  parts = {};
  parts.normalizer = bytes(1, "nmt_nfkc") + integer(4, 0);  // a rule by name alone
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("nmt_nfkc"));
  parts.normalizer = bytes(1, "nmt_nfkc") + bytes(2, "map") + integer(4, 0);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("precompiled_charsmap"));
  parts.normalizer = integer(4, 0) + integer(5, 0);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("escape_whitespaces"));
  parts.normalizer = integer(4, 0) + integer(3, 0);
  CHECK_FALSE(parse(parts.model()).add_space_prefix);
  parts.normalizer = "";
  CHECK(parse(parts.model()).add_space_prefix);  // the format's default
}

TEST_CASE("wrong ids, kinds and types are refused", "[text][sentencepiece_model]") {
  model_parts parts;
  parts.trainer += integer(41, 7);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("bos_id"));
  parts = {};
  parts.trainer += integer(41, std::int64_t{0xFFFFFFFF});  // -1, not extended to 64 bits
  CHECK(parse(parts.model()).bos == quipu::no_token);
  CHECK_FALSE(parse(parts.model()).add_bos);
  parts = {};
  parts.pieces += piece("x", 0, 7);
  CHECK_THROWS_WITH(parse(parts.model()), Catch::Contains("piece 7"));
  parts = {};
  parts.pieces = "";
  CHECK_THROWS_AS(parse(parts.model()), format_error);
  CHECK_THROWS_AS(parse(""), format_error);
  CHECK_THROWS_AS(parse(bytes(1, integer(1, 3))), format_error);  // the text is no string
}

// Source of what each field does: sentencepiece 0.2, sentencepiece_model.proto, sentencepiece_processor.cc, model_interface.cc.
TEST_CASE("every field of a tokenizer.model is applied, without effect or refused by name", "[text][sentencepiece_model]") {
  const auto ids = [](const model_parts& parts) {
    return any_tokenizer(parse(parts.model())).encode("  a tool  A old \xEF\xBD\x81", special::plain);
  };
  model_parts plain;
  plain.pieces += piece("\xE2\x96\x81", -2, 1) + piece("a", -2.5f, 1);
  const auto expected = ids(plain);

  // Settings of the trainer, which nothing reads afterwards; 200 and 300 are of later versions.
  for (const unsigned field : {1u, 2u, 4u, 5u, 6u, 7u, 10u, 11u, 12u, 13u, 14u, 15u, 16u, 17u, 18u, 19u, 20u, 21u, 22u, 23u, 25u, 26u,
                               27u, 30u, 31u, 32u, 33u, 34u, 36u, 49u, 50u, 51u, 52u, 53u, 54u, 200u}) {
    model_parts parts = plain;
    parts.trainer += field % 2 == 0 ? integer(field, 1) : bytes(field, "x");
    INFO(field);
    CHECK(ids(parts) == expected);
  }
  for (const unsigned field : {6u, 7u, 300u}) {
    model_parts parts = plain;
    parts.normalizer += bytes(field, "x");
    INFO(field);
    CHECK(ids(parts) == expected);
  }
  // Field 4 is self_test_data; others are of later versions.
  for (const unsigned field : {4u, 6u, 250u}) {
    model_parts parts = plain;
    parts.pieces += bytes(field, bytes(1, bytes(1, "a") + bytes(2, "a")));
    INFO(field);
    CHECK(ids(parts) == expected);
  }

  struct setting {
    std::string trainer, normalizer, pieces;
    const char* refused;  // the name in the sentence, or null: it must change the ids or the text
  };
  const std::vector<setting> settings = {
      {integer(3, 1), "", "", "model_type"},
      {integer(3, 3), "", "", "model_type"},
      {integer(24, 1), "", "", "treat_whitespace_as_suffix"},
      {integer(35, 0), "", "", "byte_fallback"},
      {integer(40, 99), "", "", "unk_id"},
      {integer(41, 99), "", "", "bos_id"},
      {integer(42, 99), "", "", "eos_id"},
      {integer(43, 99), "", "", "pad_id"},
      {bytes(45, "<u>"), "", "", "unk_piece"},
      {bytes(46, "<b>"), "", "", "bos_piece"},
      {bytes(47, "<e>"), "", "", "eos_piece"},
      {integer(43, 1) + bytes(48, "<p>"), "", "", "pad_piece"},
      {"", bytes(1, "nmt_nfkc"), "", "precompiled_charsmap"},
      {"", bytes(2, "no map"), "", "precompiled_charsmap"},
      {"", integer(3, 0), "", nullptr},
      {"", integer(4, 1), "", nullptr},
      {"", integer(5, 0), "", "escape_whitespaces"},
      {"", "", bytes(5, bytes(2, "a rule")), "denormalizer_spec"},
      {"", "", piece("<0x4G>", 0, 6), "byte token"},
      {"", "", piece("x", 0, 9), "type"},
      {"", "", piece("o", 5, 4), nullptr},
  };
  for (const setting& s : settings) {
    model_parts parts = plain;
    parts.trainer += s.trainer;
    parts.normalizer += s.normalizer;
    parts.pieces += s.pieces;
    INFO((s.refused == nullptr ? "applied" : s.refused));
    if (s.refused == nullptr) {
      CHECK(ids(parts) != expected);
    } else {
      CHECK_THROWS_WITH(ids(parts), Catch::Contains(s.refused));
    }
  }
  model_parts other = plain;
  other.trainer += bytes(44, "<?>");
  CHECK(any_tokenizer(parse(plain.model())).piece(0) == " \xE2\x81\x87 ");
  CHECK(any_tokenizer(parse(other.model())).piece(0) == "<?>");
}

TEST_CASE("damaged models are refused or read, never more", "[text][sentencepiece_model]") {
  const std::string model = model_parts{}.model();
  const auto read = [](std::span<const std::byte> damaged) {
    const vocabulary v = parse_sentencepiece_model(
        {reinterpret_cast<const char*>(damaged.data()), damaged.size()}, "damaged");
    const any_tokenizer tokenizer(v);
    (void)tokenizer.encode(" a tool <s>", special::parse);
  };
  CHECK(quipu::test::truncations(model, read).refused > model.size() / 2);
  CHECK(quipu::test::flips(model, read).refused > 0);
}

TEST_CASE("every truncation of a real model is refused or read", "[text][sentencepiece_model]") {
  const auto path = quipu::test::shared_root() / "data/models/stories260K/tok512.model";
  QUIPU_NEEDS(path);
  const std::string model = quipu::test::read_bytes(path);
  const auto read = [](std::span<const std::byte> damaged) {
    (void)parse_sentencepiece_model({reinterpret_cast<const char*>(damaged.data()), damaged.size()},
                                    "damaged");
  };
  CHECK(quipu::test::truncations(model, read).refused > model.size() / 2);
}

TEST_CASE("a missing file is an io_error", "[text][sentencepiece_model]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_AS(read_sentencepiece_model(folder.file("none.model")), quipu::io_error);
  CHECK(read_sentencepiece_model(folder.write("a.model", model_parts{}.model())).tokens.size() ==
        7);
}

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <quipu/text/sentencepiece_bpe.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::token_id;
using ids_t = std::vector<token_id>;

namespace {

// SentencePiece BPE from its definition: look at all neighbours, join the best-scored, start again.
ids_t encode_by_definition(const vocabulary& v, const std::string& text) {
  std::map<std::string, token_id> id_of;
  for (std::size_t i = 259; i < v.tokens.size(); ++i) id_of[v.tokens[i]] = static_cast<token_id>(i);
  if (text.empty()) return {};
  std::string escaped = v.add_space_prefix ? "\xE2\x96\x81" : "";
  append_escaped_spaces(escaped, text);
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < escaped.size();) {
    const utf8_step step = decode_utf8(escaped, at);
    const std::size_t n = step.status == utf8_status::valid ? step.length : 1;
    parts.push_back(escaped.substr(at, n));
    at += n;
  }
  for (;;) {
    float best = -std::numeric_limits<float>::infinity();
    std::size_t where = parts.size();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = id_of.find(parts[i] + parts[i + 1]);
      if (found != id_of.end() && v.scores[found->second] > best) {
        best = v.scores[found->second];
        where = i;
      }
    }
    if (where == parts.size()) break;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
  ids_t ids;
  for (const std::string& part : parts) {
    if (const auto found = id_of.find(part); found != id_of.end()) {
      ids.push_back(found->second);
    } else {
      for (const char c : part) ids.push_back(3 + static_cast<unsigned char>(c));
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("llama2: every golden case is encoded and decoded as by sentencepiece",
          "[text][sentencepiece_bpe]") {
  const auto golden = quipu::test::golden_case("tokenizers/llama2.json");
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const sentencepiece_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  const auto cases = quipu::test::read_cases(golden);
  REQUIRE(!cases.empty());
  for (const auto& one : cases) {
    const auto text = one["text"].get<std::string>();
    INFO(one["text"]);
    CHECK(tokenizer.encode(text) == one["ids"].get<ids_t>());
    CHECK(decode(tokenizer, one["ids"].get<ids_t>()) == one["decoded"].get<std::string>());
  }
}

TEST_CASE("llama2: the GGUF vocabulary encodes as the tokenizer.model",
          "[text][sentencepiece_bpe]") {
  const auto golden = quipu::test::golden_case("tokenizers/llama2.json");
  const auto path = quipu::test::vocabulary_path("llama2").parent_path() / "ggml-vocab-llama.gguf";
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const sentencepiece_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  for (const auto& one : quipu::test::read_cases(golden)) {
    INFO(one["text"]);
    CHECK(tokenizer.encode(one["text"].get<std::string>()) == one["ids"].get<ids_t>());
  }
}

TEST_CASE("llama2: every token's text encodes to ids that decode to the same text",
          "[text][sentencepiece_bpe]") {
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(path);
  const sentencepiece_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  std::size_t checked = 0;
  for (token_id id = 0; id < static_cast<token_id>(tokenizer.n_vocab()); ++id) {
    if (tokenizer.is_control(id) || id == tokenizer.vocab().unk) continue;
    const std::string bytes = decode_bytes(tokenizer, ids_t{id});
    if (decode_bytes(tokenizer, tokenizer.encode(bytes)) != bytes) FAIL("token " << id);
    const std::string text = decode(tokenizer, ids_t{id});  // U+FFFD for bytes above 0x7F
    if (decode(tokenizer, tokenizer.encode(text)) != text) FAIL("text of token " << id);
    ++checked;
  }
  CHECK(checked == tokenizer.n_vocab() - 3);
}

TEST_CASE("llama2: every code point survives", "[text][sentencepiece_bpe]") {
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(path);
  const sentencepiece_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if ((c >= 0xD800 && c <= 0xDFFF) || c == 0x2581) continue;  // U+2581 means a space here
    std::string text;
    append_utf8(text, c);
    if (decode(tokenizer, tokenizer.encode(text)) != text) FAIL("code point " << c);
  }
}

TEST_CASE("stories260K: the 512 pieces encode the words of its golden story",
          "[text][sentencepiece_bpe]") {
  const auto path = quipu::test::shared_root() / "data/models/stories260K/tok512.model";
  const auto golden = quipu::test::shared_root() / "data/golden/stories260K/greedy_200_ids.json";
  QUIPU_NEEDS(path);
  QUIPU_NEEDS(golden);
  const sentencepiece_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  auto cases = quipu::test::read_json(golden);
  const auto ids = (cases.is_array() ? cases : cases["ids"]).get<ids_t>();
  REQUIRE(ids.size() > 100);
  CHECK(ids.front() == tokenizer.bos());
  const std::string story = decode(tokenizer, ids);
  CHECK(story.substr(0, 4) == "Once");
  CHECK(decode(tokenizer, tokenizer.encode(story)) == story);
}

TEST_CASE("encoding follows the definition on small random vocabularies",
          "[text][sentencepiece_bpe]") {
  std::mt19937 random(21);
  const std::vector<std::string> letters = {"a", "b", "\xC3\xA4", "\xE2\x96\x81"};
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> pieces = {"a", "b", "\xE2\x96\x81"};  // no piece for the umlaut: bytes
    std::vector<float> scores = {-100, -100, -100};
    for (int i = 0; i < 20; ++i) {
      std::string piece;
      const std::size_t n = 2 + random() % 3;
      for (std::size_t k = 0; k < n; ++k) piece += letters[random() % letters.size()];
      // In half of the rounds no piece continues over a space, so that text is encoded word by
      // word.
      const bool crosses = piece.find("\xE2\x96\x81", 1) != std::string::npos;
      if (round % 2 == 0 && crosses && piece.find_first_not_of("\xE2\x96\x81") != std::string::npos)
        continue;
      if (std::find(pieces.begin(), pieces.end(), piece) != pieces.end()) continue;
      pieces.push_back(piece);
      scores.push_back(-static_cast<float>(random() % 8));  // ties on purpose
    }
    vocabulary v = quipu::test::tiny_sentencepiece(pieces, scores);
    v.add_space_prefix = round % 3 != 0;
    const sentencepiece_tokenizer tokenizer(v);
    for (int i = 0; i < 5; ++i) {
      std::string text;
      const std::size_t n = random() % 30;
      for (std::size_t k = 0; k < n; ++k)
        text += std::vector<std::string>{"a", "b", "\xC3\xA4", " ", "\xFF"}[random() % 5];
      CHECK(tokenizer.encode(text) == encode_by_definition(v, text));
      CHECK(decode_bytes(tokenizer, tokenizer.encode(text)) == text);
    }
  }
}

TEST_CASE("control tokens come only from parsing, user-defined ones always",
          "[text][sentencepiece_bpe]") {
  vocabulary v =
      quipu::test::tiny_sentencepiece({"a", "\xE2\x96\x81", "<tool>", "s>", "<s"}, {0, 0, 0, 5, 4});
  v.kinds[261] = token_kind::user_defined;
  const sentencepiece_tokenizer tokenizer(v);
  // "<s" + ">" or "<" + "s>" would join to "<s>", were that a piece.
  const ids_t plain = tokenizer.encode("<s>");
  CHECK(std::none_of(plain.begin(), plain.end(),
                     [&](token_id id) { return tokenizer.is_control(id); }));
  CHECK(decode_bytes(tokenizer, plain) == "<s>");
  CHECK(tokenizer.encode("<s>", special::parse) == ids_t{1});
  // Text after a token matched as a whole gets its space, as in llama.cpp.
  CHECK(tokenizer.encode("a<tool>a") == ids_t{260, 259, 261, 260, 259});
  CHECK(tokenizer.encode("<s>a</s>", special::parse) == ids_t{1, 260, 259, 2});
  CHECK(tokenizer.encode("<unk>", special::parse) == ids_t{0});
  CHECK(tokenizer.find_special("<tool>") == 261);
  CHECK(tokenizer.find_special("a") == quipu::no_token);
  CHECK(tokenizer.encode("").empty());
}

TEST_CASE("unused pieces are joined and taken apart again", "[text][sentencepiece_bpe]") {
  vocabulary v = quipu::test::tiny_sentencepiece({"a", "b", "c", "ab", "abc", "\xE2\x96\x81"},
                                                 {-9, -9, -9, -1, -2, -9});
  v.add_space_prefix = false;
  CHECK(sentencepiece_tokenizer(v).encode("ab abc") == ids_t{262, 264, 263});
  v.kinds[262] = token_kind::unused;
  CHECK(sentencepiece_tokenizer(v).encode("ab abc") == ids_t{259, 260, 264, 263});
  v.kinds[263] = token_kind::unused;
  CHECK(sentencepiece_tokenizer(v).encode("ab abc") == ids_t{259, 260, 264, 259, 260, 261});
  v.kinds[260] = token_kind::unused;  // a single character cannot be taken apart
  CHECK(sentencepiece_tokenizer(v).encode("b") == ids_t{260});
}

TEST_CASE("without byte tokens a run of unknown characters is one unk",
          "[text][sentencepiece_bpe]") {
  vocabulary v;
  v.kind = tokenizer_kind::sentencepiece;
  v.tokens = {"<unk>", "a", "\xE2\x96\x81"};
  v.scores = {0, -1, -2};
  v.kinds = {token_kind::unknown, token_kind::normal, token_kind::normal};
  v.unk = 0;
  const sentencepiece_tokenizer tokenizer(v);
  CHECK(tokenizer.encode("xyza x") == ids_t{0, 1, 2, 0});
  CHECK(tokenizer.piece(0) == " \xE2\x81\x87 ");
  v.unk = quipu::no_token;
  CHECK_THROWS_AS(sentencepiece_tokenizer(v), quipu::format_error);
}

TEST_CASE("leading_piece drops the added space and nothing else", "[text][sentencepiece_bpe]") {
  vocabulary v =
      quipu::test::tiny_sentencepiece({"\xE2\x96\x81", "\xE2\x96\x81\xE2\x96\x81x"}, {0, 0});
  const sentencepiece_tokenizer tokenizer(v);
  CHECK(tokenizer.piece(259) == " ");
  CHECK(tokenizer.leading_piece(259).empty());
  CHECK(tokenizer.leading_piece(260) == " x");
  CHECK(tokenizer.leading_piece(3 + ' ') == " ");  // a byte is a byte
  CHECK(decode(tokenizer, ids_t{1, 260, 260}) == " x  x");
  v.add_space_prefix = false;
  CHECK(sentencepiece_tokenizer(v).leading_piece(260) == "  x");
}

TEST_CASE("bad vocabularies and ids are refused", "[text][sentencepiece_bpe]") {
  const vocabulary good = quipu::test::tiny_sentencepiece({"a"}, {0});
  vocabulary bad = good;
  bad.scores.pop_back();
  CHECK_THROWS_AS(sentencepiece_tokenizer(bad), quipu::format_error);
  bad = good;
  bad.scores[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(sentencepiece_tokenizer(bad), quipu::format_error);
  bad = good;
  bad.tokens[7] = "<0xZZ>";
  CHECK_THROWS_AS(sentencepiece_tokenizer(bad), quipu::format_error);
  const sentencepiece_tokenizer tokenizer(good);
  CHECK_THROWS_AS(tokenizer.piece(-1), quipu::config_error);
  CHECK_THROWS_AS(tokenizer.leading_piece(260), quipu::config_error);
  CHECK_THROWS_AS(decode(tokenizer, ids_t{99999}), quipu::config_error);
}

TEST_CASE("byte pieces are read strictly", "[text][sentencepiece_bpe]") {
  CHECK(byte_of_piece("<0x00>") == 0);
  CHECK(byte_of_piece("<0xFE>") == 254);
  for (const char* text : {"<0xfe>", "<0xF>", "<0xFFF>", "0xFF", "<0xG0>", "", "<0xFF)"})
    CHECK(byte_of_piece(text) == -1);
}

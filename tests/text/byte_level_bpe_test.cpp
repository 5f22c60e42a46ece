#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <quipu/text/byte_level_bpe.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::token_id;
using ids_t = std::vector<token_id>;

namespace {

void check_golden(const std::string& name) {
  const auto golden = quipu::test::golden_case("tokenizers/" + name + ".json");
  const auto path = quipu::test::vocabulary_path(name);
  if (path.empty()) return;
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const byte_level_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  const auto cases = quipu::test::read_cases(golden);
  REQUIRE(!cases.empty());
  for (const auto& one : cases) {
    const auto text = one["text"].get<std::string>();
    INFO(one["text"]);
    CHECK(tokenizer.encode(text) == one["ids"].get<ids_t>());
    CHECK(tokenizer.encode(text, special::parse) == one["ids_special"].get<ids_t>());
    const ids_t ids = tokenizer.encode(text);
    CHECK(std::none_of(ids.begin(), ids.end(),
                       [&](token_id id) { return tokenizer.is_control(id); }));
  }
}

// Which bytes have a token of their own: SmolLM2 lacks some.
std::set<char> spelled_bytes(const byte_level_tokenizer& tokenizer) {
  std::set<char> bytes;
  for (token_id id = 0; id < static_cast<token_id>(tokenizer.n_vocab()); ++id) {
    if (tokenizer.piece(id).size() == 1) bytes.insert(tokenizer.piece(id)[0]);
  }
  return bytes;
}

}  // namespace

TEST_CASE("smollm2: golden cases", "[text][byte_level_bpe]") { check_golden("smollm2"); }
TEST_CASE("gpt-2: golden cases", "[text][byte_level_bpe]") { check_golden("gpt-2"); }
TEST_CASE("llama-bpe: golden cases", "[text][byte_level_bpe]") { check_golden("llama-bpe"); }
TEST_CASE("qwen2: golden cases", "[text][byte_level_bpe]") { check_golden("qwen2"); }

TEST_CASE("every code point survives, alone and among others", "[text][byte_level_bpe]") {
  const std::string name = GENERATE("gpt-2", "llama-bpe", "qwen2", "smollm2");
  const auto path = quipu::test::vocabulary_path(name);
  if (path.empty()) return;
  QUIPU_NEEDS(path);
  const byte_level_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  const std::set<char> spelled = spelled_bytes(tokenizer);
  if (name != "smollm2") CHECK(spelled.size() == 256);
  std::string all;
  std::string all_spelled;
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    std::string expected = text;
    std::erase_if(expected, [&](char byte) { return !spelled.contains(byte); });
    if (decode_bytes(tokenizer, tokenizer.encode(text)) != expected)
      FAIL(name << ": code point " << c);
    all += text;
    all_spelled += expected;
  }
  CHECK((decode_bytes(tokenizer, tokenizer.encode(all)) == all_spelled));
}

TEST_CASE("random bytes survive", "[text][byte_level_bpe]") {
  const auto path = quipu::test::vocabulary_path("gpt-2");
  QUIPU_NEEDS(path);
  const byte_level_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 200, '\0');
    for (char& c : text) c = static_cast<char>(random());
    CHECK((decode_bytes(tokenizer, tokenizer.encode(text)) == text));
    CHECK((decode_bytes(tokenizer, tokenizer.encode(text, special::parse)) == text));
    CHECK(is_valid_utf8(decode(tokenizer, tokenizer.encode(text))));
  }
}

TEST_CASE("encoding follows the definition on small random merges", "[text][byte_level_bpe]") {
  std::mt19937 random(31);
  for (int round = 0; round < 200; ++round) {
    // Merges as training makes them: of symbols that are there.
    std::vector<std::string> symbols = {"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> merges;
    std::map<std::pair<std::string, std::string>, std::size_t> ranks;
    while (merges.size() < 15) {
      const std::pair pair(symbols[random() % symbols.size()], symbols[random() % symbols.size()]);
      if (std::find(symbols.begin(), symbols.end(), pair.first + pair.second) != symbols.end())
        continue;
      ranks[pair] = merges.size();
      merges.push_back(pair);
      symbols.push_back(pair.first + pair.second);
    }
    const byte_level_tokenizer tokenizer(quipu::test::tiny_byte_level(merges));
    std::string word(1 + random() % 30, 'a');
    for (char& c : word) c = static_cast<char>('a' + random() % 3);
    std::vector<std::string> parts;
    for (const char c : word) parts.emplace_back(1, c);
    for (;;) {
      std::size_t best = merges.size();
      std::size_t where = 0;
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto found = ranks.find({parts[i], parts[i + 1]});
        if (found != ranks.end() && found->second < best) {
          best = found->second;
          where = i;
        }
      }
      if (best == merges.size()) break;
      parts[where] += parts[where + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
    std::vector<std::string> pieces;
    for (const token_id id : tokenizer.encode(word + " " + word))
      pieces.emplace_back(tokenizer.piece(id));
    std::vector<std::string> expected = parts;
    expected.emplace_back(" ");
    expected.insert(expected.end(), parts.begin(), parts.end());
    CHECK(pieces == expected);
  }
}

TEST_CASE("ignore_merges keeps a word that is a token whole", "[text][byte_level_bpe]") {
  vocabulary v = quipu::test::tiny_byte_level({{"a", "b"}, {"b", "c"}, {"a", "bc"}});
  CHECK(byte_level_tokenizer(v).encode("abc") == ids_t{256, 'c'});
  v.ignore_merges = true;
  CHECK(byte_level_tokenizer(v).encode("abc") == ids_t{258});
  CHECK(byte_level_tokenizer(v).encode("abcc") == ids_t{256, 'c', 'c'});
}

TEST_CASE("symbols that are no tokens fall back to their bytes", "[text][byte_level_bpe]") {
  vocabulary v = quipu::test::tiny_byte_level({{"a", "b"}, {"ab", "c"}});
  v.tokens[257] = "other";  // the result of the second merge is no token
  CHECK(byte_level_tokenizer(v).encode("abc") == ids_t{'a', 'b', 'c'});
  CHECK(byte_level_tokenizer(v).encode("ab") == ids_t{256});
  v.tokens['c'] = "third";  // nor is this byte: it is left out
  CHECK(byte_level_tokenizer(v).encode("xc") == ids_t{'x'});
}

TEST_CASE("byte-level control tokens come only from parsing, user-defined ones always",
          "[text][byte_level_bpe]") {
  vocabulary v = quipu::test::tiny_byte_level({});
  const auto end = v.eos;
  v.tokens.push_back("\xE2\x96\x81tool ");
  v.kinds.push_back(token_kind::user_defined);
  const byte_level_tokenizer tokenizer(v);
  const std::string text = "<|endoftext|>\xE2\x96\x81tool ";
  const ids_t plain = tokenizer.encode(text);
  CHECK(plain.back() == end + 2);
  CHECK(std::count(plain.begin(), plain.end(), end) == 0);
  CHECK(tokenizer.encode(text, special::parse) == ids_t{end, end + 2});
  CHECK(decode(tokenizer, plain) == text);
  CHECK(tokenizer.piece(end).empty());
  CHECK(tokenizer.is_end(end));
  CHECK(tokenizer.find_special("<|im_start|>") == end + 1);
}

TEST_CASE("an unknown pre-tokenizer and bad merges are refused", "[text][byte_level_bpe]") {
  vocabulary v = quipu::test::tiny_byte_level({{"a", "b"}}, "kimi-k2");
  CHECK_THROWS_AS(byte_level_tokenizer(v), quipu::config_error);
  CHECK_THROWS_WITH(byte_level_tokenizer(v), Catch::Contains("'kimi-k2'"));
  v.pre_tokenizer = "gpt-2";
  CHECK_NOTHROW(byte_level_tokenizer(v));
  v.merges.emplace_back("", "b");
  CHECK_THROWS_AS(byte_level_tokenizer(v), quipu::format_error);
}

TEST_CASE("copies share one tokenizer, and threads may use it together", "[text][byte_level_bpe]") {
  const byte_level_tokenizer tokenizer(quipu::test::tiny_byte_level({{"a", "b"}, {" ", "ab"}}));
  const std::string text = "ab ab ba abab <|im_start|> ab";
  const ids_t expected = tokenizer.encode(text);
  std::vector<ids_t> found(4);
  std::vector<std::thread> threads;
  for (ids_t& ids : found) {
    threads.emplace_back([&ids, copy = tokenizer, &text] {
      for (int i = 0; i < 200; ++i) ids = copy.encode(text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const ids_t& ids : found) CHECK(ids == expected);
  const byte_level_tokenizer copy = tokenizer;
  CHECK(copy.piece(256).data() == tokenizer.piece(256).data());
}

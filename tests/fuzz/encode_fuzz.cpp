#include <iterator>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz_target.hpp"

namespace {

using namespace quipu::text;

// Thousands of tokens that are matched as a whole and begin with each other.
void add_many(vocabulary& v) {
  const auto add = [&](std::string text, token_kind kind) {
    v.tokens.push_back(std::move(text));
    v.kinds.push_back(kind);
  };
  for (int i = 2; i < 200; ++i) add(std::string(i, 'a'), i % 2 == 0 ? token_kind::control : token_kind::user_defined);
  for (int i = 0; i < 3000; ++i) {
    std::string text = "<";
    for (int digit = i; digit > 0; digit /= 5) text += "a b1<"[digit % 5];
    add(text + '>', i % 3 == 0 ? token_kind::control : token_kind::user_defined);
  }
}

any_tokenizer byte_level(const char* pre_tokenizer, bool many = false) {
  vocabulary v;
  v.kind = tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = pre_tokenizer;
  for (int byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  }
  const char* pairs[][2] = {{"a", "a"},   {" ", "a"}, {"aa", "aa"},    {" ", " "},
                            {"  ", "  "}, {"1", "2"}, {"\xC3", "\xA4"}};
  for (const auto& [left, right] : pairs) {
    v.merges.emplace_back(encode_byte_alphabet(left), encode_byte_alphabet(right));
    v.tokens.push_back(v.merges.back().first + v.merges.back().second);
  }
  v.kinds.assign(v.tokens.size(), token_kind::normal);
  v.tokens.insert(v.tokens.end(), {"<s>", "a<", "<tool>"});
  v.kinds.insert(v.kinds.end(),
                 {token_kind::control, token_kind::control, token_kind::user_defined});
  if (many) add_many(v);
  return any_tokenizer(v);
}

any_tokenizer sentencepiece(bool many = false) {
  vocabulary v;
  v.kind = tokenizer_kind::sentencepiece;
  v.add_space_prefix = true;
  v.tokens = {"<unk>", "<s>", "<tool>"};
  v.kinds = {token_kind::unknown, token_kind::control, token_kind::user_defined};
  v.unk = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    v.tokens.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
    v.kinds.push_back(token_kind::byte);
  }
  for (const char* piece : {"a", "aa", "aaa", "\xE2\x96\x81", "\xE2\x96\x81\xE2\x96\x81",
                            "\xE2\x96\x81"
                            "a",
                            "\xC3\xA4"}) {
    v.tokens.emplace_back(piece);
    v.kinds.push_back(token_kind::normal);
  }
  if (many) add_many(v);
  for (std::size_t i = 0; i < v.tokens.size(); ++i) v.scores.push_back(-static_cast<float>(i % 5));
  return any_tokenizer(v);
}

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

// The first byte chooses tokenizer and mode, the rest is the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const any_tokenizer tokenizers[] = {
      byte_level("gpt-2"), byte_level("llama-bpe"),       byte_level("qwen2"), byte_level("smollm"),
      sentencepiece(),     byte_level("llama-bpe", true), sentencepiece(true)};
  constexpr std::size_t n = std::size(tokenizers);
  const bool escapes = data != nullptr && size > 0 && (data[0] % n == 4 || data[0] % n == 6);
  if (size == 0) return 0;
  return quipu::test::fuzz(data + 1, size - 1, [&](std::span<const std::byte> bytes) {
    const any_tokenizer& tokenizer = tokenizers[data[0] % n];
    const std::string_view text = quipu::test::as_text(bytes);
    const auto ids = tokenizer.encode(text, data[0] >= 128 ? special::parse : special::plain);
    std::string back;  // every byte again, control tokens by their text
    bool at_start = true;
    for (const quipu::token_id id : ids) {
      require(data[0] >= 128 || !tokenizer.is_control(id));
      if (tokenizer.is_control(id)) back += tokenizer.vocab().tokens[id];
      back += at_start ? tokenizer.leading_piece(id) : tokenizer.piece(id);
      if (!tokenizer.piece(id).empty()) at_start = false;
    }
    // Sentencepiece puts a space after tokens matched as a whole and takes U+2581 for one.
    if (!escapes) require(back == text);
    require(is_valid_utf8(decode(tokenizer, ids)));
  });
}

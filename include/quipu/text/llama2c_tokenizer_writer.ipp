// What llama2c_tokenizer_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/llama2c_tokenizer_writer.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>  // unescape_spaces
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

QUIPU_INLINE std::string llama2c_tokenizer_text(const vocabulary& source) {
  const auto refuse = [](const char* expected, const auto& found) {
    fail<config_error>("tokenizer.bin of llama2.c", expected, found);
  };
  if (source.kind != tokenizer_kind::sentencepiece) refuse("a SentencePiece vocabulary", "another kind");
  if (source.unk != 0 || source.bos != 1 || source.eos != 2) {
    refuse("unk, bos and eos with the ids 0, 1 and 2", concat(source.unk, ", ", source.bos, " and ", source.eos));
  }
  if (!source.add_bos || source.add_eos || !source.add_space_prefix) {
    refuse("bos and a space before a text, nothing after it", "other settings");
  }
  std::string bytes;
  const auto number = [&](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 255);
  };
  std::size_t longest = 0;
  number(0);
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    const std::string text =
        i == 1 || i == 2 ? concat("\n", source.tokens[i], "\n") : unescape_spaces(source.tokens[i]);
    number(std::bit_cast<std::uint32_t>(source.scores[i]));
    number(static_cast<std::uint32_t>(text.size()));
    bytes += text;
    longest = std::max(longest, text.size());
  }
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(longest >> 8 * i & 255);
  // What a reader makes of it is what was meant: kinds are told by place and text alone there.
  const vocabulary read = parse_llama2c_tokenizer(bytes, source.tokens.size(), "tokenizer.bin");
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    if (read.kinds[i] != source.kinds[i] || read.tokens[i] != source.tokens[i]) {
      refuse("plain tokens after the first three", printable(source.tokens[i]));
    }
  }
  return bytes;
}

}  // namespace quipu::text

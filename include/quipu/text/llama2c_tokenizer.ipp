// What llama2c_tokenizer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/mapped_file.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>  // append_escaped_spaces, byte_of_piece
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

QUIPU_INLINE vocabulary parse_llama2c_tokenizer(std::string_view bytes, std::size_t n_vocab, const std::string& place) {
  std::size_t at = 0;
  const auto number = [&](const char* field, std::size_t token) {
    if (bytes.size() - at < 4) {
      fail<format_error>(concat(place, ": ", field, " of token ", token), "4 bytes",
                         bytes.size() - at);
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    at += 4;
    return value;
  };
  const std::uint32_t longest = number("longest length before the first", 0);

  vocabulary result;
  result.place = place;
  result.kind = tokenizer_kind::sentencepiece;
  for (std::size_t i = 0; n_vocab == 0 ? at < bytes.size() : i < n_vocab; ++i) {
    result.scores.push_back(std::bit_cast<float>(number("score", i)));
    const std::uint32_t length = number("length", i);
    if (length > bytes.size() - at) {
      fail<format_error>(concat(place, ": length of token ", i),
                         concat("at most ", bytes.size() - at), length);
    }
    const std::string_view stored = bytes.substr(at, length);
    at += length;
    std::string text;
    token_kind kind = token_kind::normal;
    if (i < 3) {
      text = stored.size() > 2 && stored.front() == '\n' && stored.back() == '\n'
                 ? stored.substr(1, stored.size() - 2)
                 : stored;
      kind = i == 0 ? token_kind::unknown : token_kind::control;
    } else if (byte_of_piece(stored) >= 0) {
      text = stored;
      kind = token_kind::byte;
    } else {
      append_escaped_spaces(text, stored);
    }
    if (length > longest)
      fail<format_error>(concat(place, ": length of token ", i), concat("at most ", longest),
                         length);
    result.tokens.push_back(std::move(text));
    result.kinds.push_back(kind);
  }
  if (result.tokens.size() < 3) fail<format_error>(place, "at least 3 tokens", result.tokens.size());
  if (at != bytes.size()) {
    fail<format_error>(place, concat("the end behind ", n_vocab, " tokens"),
                       concat(bytes.size() - at, " more bytes"));
  }
  result.unk = 0;
  result.bos = 1;
  result.eos = 2;
  result.add_bos = true;
  result.add_space_prefix = true;
  return result;
}

QUIPU_INLINE vocabulary read_llama2c_tokenizer(const std::string& path, std::size_t n_vocab) {
  const mapped_file file(path);
  return parse_llama2c_tokenizer(file.text(), n_vocab, path);
}

}  // namespace quipu::text

/// @file Token ids back into text, at once or piece by piece while a model generates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/utf8.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace quipu::text {

/// Turns ids into text one after the other. What it gives out is always whole UTF-8 characters:
/// bytes of an unfinished one are kept back, bytes that can never be one become U+FFFD (see
/// `decode_utf8`). All that `push` and `flush` return, put together, is what `decode` returns for
/// all ids.
template <class Tokenizer>
class stream_decoder {
  static_assert((explain_tokenizer<Tokenizer>(), true));

 public:
  using tokenizer_type = Tokenizer;

  explicit stream_decoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  /// Text that `token` completes, perhaps none.
  /// @throws config_error  the id names no token
  [[nodiscard]] std::string push(token_id token) {
    std::string out;
    push(token, out);
    return out;
  }
  /// The same, behind what `out` has.
  void push(token_id token, std::string& out) {
    const std::string_view bytes =
        at_start_ ? tokenizer_.leading_piece(token) : tokenizer_.piece(token);
    // Control tokens in front do not count as text; a piece of nothing but the added space does.
    if (!tokenizer_.piece(token).empty()) at_start_ = false;
    pending_.append(bytes);
    take(utf8_status::truncated, out);
  }

  /// Ends the text: an unfinished character is given out as U+FFFD, and the decoder starts afresh.
  [[nodiscard]] std::string flush() {
    at_start_ = true;
    std::string out;
    take(utf8_status::valid, out);
    return out;
  }

 private:
  // Moves the front of `pending_` behind `out`, up to a character with status `stop`.
  void take(utf8_status stop, std::string& out) {
    std::size_t at = 0;
    while (at < pending_.size()) {
      const std::size_t valid = valid_utf8_prefix(std::string_view(pending_).substr(at));
      out.append(pending_, at, valid);
      at += valid;
      if (at == pending_.size()) break;
      const utf8_step step = decode_utf8(pending_, at);
      if (step.status == stop) break;
      append_utf8(out, replacement_character);
      at += step.length;
    }
    pending_.erase(0, at);
  }

  Tokenizer tokenizer_;
  std::string pending_;  // at most three bytes between calls
  bool at_start_ = true;
};

/// The text of `ids`: valid UTF-8, control tokens left out.
/// @throws config_error  an id names no token
template <tokenizer Tokenizer>
[[nodiscard]] std::string decode(const Tokenizer& tokenizer, std::span<const token_id> ids) {
  stream_decoder<Tokenizer> decoder(tokenizer);
  std::string text;
  for (const token_id id : ids) text += decoder.push(id);
  return text + decoder.flush();
}

/// The bytes of `ids`, which need not be UTF-8: what `encode` was given, where the ids come from
/// it.
/// @throws config_error  an id names no token
template <tokenizer Tokenizer>
[[nodiscard]] std::string decode_bytes(const Tokenizer& tokenizer, std::span<const token_id> ids) {
  std::string bytes;
  bool at_start = true;
  for (const token_id id : ids) {
    bytes += at_start ? tokenizer.leading_piece(id) : tokenizer.piece(id);
    if (!tokenizer.piece(id).empty()) at_start = false;
  }
  return bytes;
}

}  // namespace quipu::text

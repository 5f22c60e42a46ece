/// @file Tokens by the bytes that they stand for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <unordered_map>

#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::text {

/// For decoding that may only write given texts: which tokens go on with what has to follow? Control tokens are left out.
/// Of tokens with the same bytes the last one counts: SentencePiece lists its bytes before the letters.
class token_lookup {
 public:
  token_lookup() = default;
  /// @param tokenizer  its pieces must live as long as the lookup
  template <class Tokenizer>
    requires(!std::same_as<Tokenizer, token_lookup> && tokenizer<Tokenizer>)  // copies ask first whether this is one
  explicit token_lookup(const Tokenizer& tokenizer) {
    tokens_.reserve(tokenizer.n_vocab());
    for (std::size_t i = 0; i < tokenizer.n_vocab(); ++i) {
      const auto token = static_cast<token_id>(i);
      const std::string_view piece = tokenizer.piece(token);
      if (piece.empty() || tokenizer.is_control(token)) continue;
      tokens_[piece] = token;
      longest_ = std::max(longest_, piece.size());
    }
  }

  /// Calls `take(token, n_byte)` for every token that `text` begins with, shortest first.
  template <class Take>
  void beginnings(std::string_view text, Take&& take) const {
    for (std::size_t n = 1; n <= std::min(longest_, text.size()); ++n) {
      if (const auto found = tokens_.find(text.substr(0, n)); found != tokens_.end()) take(found->second, n);
    }
  }

 private:
  std::unordered_map<std::string_view, token_id> tokens_;
  std::size_t longest_ = 0;
};

}  // namespace quipu::text

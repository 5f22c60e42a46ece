// What any_tokenizer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/token.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/byte_level_bpe.hpp>
#include <quipu/text/character_bpe.hpp>
#include <quipu/text/sentencepiece_bpe.hpp>
#include <quipu/text/special_places.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

template <class Visit>
decltype(auto) any_tokenizer::visit(const char* what, const Visit& call) const {
  if (const auto* held = std::get_if<byte_level_tokenizer>(&held_)) return call(*held);
  if (const auto* held = std::get_if<sentencepiece_tokenizer>(&held_)) return call(*held);
  if (const auto* held = std::get_if<character_bpe_tokenizer>(&held_)) return call(*held);
  fail<config_error>(concat("tokenizer: ", what), "a checkpoint with a vocabulary", "none");
}

QUIPU_INLINE any_tokenizer::any_tokenizer(vocabulary source) {
  const std::string before = source.place.empty() ? std::string() : source.place + ": ";
  try {
    switch (source.kind) {
      case tokenizer_kind::none:
        break;
      case tokenizer_kind::sentencepiece:
        if (source.ranked_merges) held_.emplace<character_bpe_tokenizer>(std::move(source));
        else held_.emplace<sentencepiece_tokenizer>(std::move(source));
        break;
      case tokenizer_kind::byte_level_bpe:
        held_.emplace<byte_level_tokenizer>(std::move(source));
        break;
    }
  } catch (const format_error& problem) {
    throw format_error(before + problem.what());
  } catch (const config_error& problem) {
    throw config_error(before + problem.what());
  }
}

QUIPU_INLINE std::vector<token_id> any_tokenizer::encode(std::string_view text, const special_places& where) const {
  return visit("encode", [&](const auto& held) { return held.encode(text, where); });
}

QUIPU_INLINE std::string_view any_tokenizer::piece(token_id token) const {
  return visit("piece", [&](const auto& held) { return held.piece(token); });
}

QUIPU_INLINE std::string_view any_tokenizer::leading_piece(token_id token) const {
  return visit("leading_piece", [&](const auto& held) { return held.leading_piece(token); });
}

QUIPU_INLINE bool any_tokenizer::is_control(token_id token) const {
  return visit("is_control", [&](const auto& held) { return held.is_control(token); });
}

QUIPU_INLINE bool any_tokenizer::is_end(token_id token) const {
  return visit("is_end", [&](const auto& held) { return held.is_end(token); });
}

QUIPU_INLINE const vocabulary& any_tokenizer::vocab() const {
  return visit("vocab", [](const auto& held) -> const vocabulary& { return held.vocab(); });
}

QUIPU_INLINE std::vector<std::string> any_tokenizer::warnings() const {
  return *this ? vocab().warnings : std::vector<std::string>{};
}

QUIPU_INLINE token_id any_tokenizer::find_special(std::string_view text) const noexcept {
  return *this ? visit("find_special", [&](const auto& held) { return held.find_special(text); })
               : no_token;
}

}  // namespace quipu::text

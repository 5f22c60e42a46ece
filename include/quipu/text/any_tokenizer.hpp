/// @file The tokenizer of a checkpoint, of whichever kind its vocabulary says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/token.hpp>
#include <quipu/text/byte_level_bpe.hpp>
#include <quipu/text/character_bpe.hpp>
#include <quipu/text/sentencepiece_bpe.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/vocabulary.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace quipu::text {

/// One of the library's tokenizers, or none: a checkpoint without a vocabulary still runs on token
/// ids. Cheap to copy, const, usable by several threads at once.
class any_tokenizer {
  // First, because its return type is deduced.
  template <class Visit>
  [[nodiscard]] decltype(auto) visit(const char* what, const Visit& call) const {
    if (const auto* held = std::get_if<byte_level_tokenizer>(&held_)) return call(*held);
    if (const auto* held = std::get_if<sentencepiece_tokenizer>(&held_)) return call(*held);
    if (const auto* held = std::get_if<character_bpe_tokenizer>(&held_)) return call(*held);
    fail<config_error>(concat("tokenizer: ", what), "a checkpoint with a vocabulary", "none");
  }

 public:
  /// No tokenizer: `n_vocab()` is 0 and everything that needs a vocabulary throws config_error.
  any_tokenizer() = default;

  /// @throws config_error  an unknown pre-tokenizer
  /// @throws format_error  the vocabulary contradicts itself
  explicit any_tokenizer(vocabulary source) {
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
  }
  explicit any_tokenizer(sentencepiece_tokenizer tokenizer) : held_(std::move(tokenizer)) {}
  explicit any_tokenizer(character_bpe_tokenizer tokenizer) : held_(std::move(tokenizer)) {}
  explicit any_tokenizer(byte_level_tokenizer tokenizer) : held_(std::move(tokenizer)) {}

  /// Is there a vocabulary?
  [[nodiscard]] explicit operator bool() const noexcept { return held_.index() != 0; }

  [[nodiscard]] std::vector<token_id> encode(std::string_view text, const special_places& where = special::plain) const {
    return visit("encode", [&](const auto& held) { return held.encode(text, where); });
  }
  [[nodiscard]] std::string_view piece(token_id token) const {
    return visit("piece", [&](const auto& held) { return held.piece(token); });
  }
  [[nodiscard]] std::string_view leading_piece(token_id token) const {
    return visit("leading_piece", [&](const auto& held) { return held.leading_piece(token); });
  }
  [[nodiscard]] bool is_control(token_id token) const {
    return visit("is_control", [&](const auto& held) { return held.is_control(token); });
  }
  [[nodiscard]] bool is_end(token_id token) const {
    return visit("is_end", [&](const auto& held) { return held.is_end(token); });
  }
  /// What the tokenizer was built from.
  [[nodiscard]] const vocabulary& vocab() const {
    return visit("vocab", [](const auto& held) -> const vocabulary& { return held.vocab(); });
  }

  /// What the file's reader has to say to the user; empty without a vocabulary.
  [[nodiscard]] std::vector<std::string> warnings() const {
    return *this ? vocab().warnings : std::vector<std::string>{};
  }

  [[nodiscard]] std::size_t n_vocab() const noexcept { return *this ? vocab().tokens.size() : 0; }
  [[nodiscard]] token_id bos() const noexcept { return *this ? vocab().bos : no_token; }
  [[nodiscard]] token_id eos() const noexcept { return *this ? vocab().eos : no_token; }
  [[nodiscard]] bool add_bos() const noexcept { return *this && vocab().add_bos; }
  [[nodiscard]] bool add_eos() const noexcept { return *this && vocab().add_eos; }
  [[nodiscard]] token_id find_special(std::string_view text) const noexcept {
    return *this ? visit("find_special", [&](const auto& held) { return held.find_special(text); })
                 : no_token;
  }

 private:
  std::variant<std::monostate, sentencepiece_tokenizer, byte_level_tokenizer, character_bpe_tokenizer> held_;
};

static_assert(tokenizer<any_tokenizer>);

}  // namespace quipu::text

/// @file The tokenizer of a checkpoint, of whichever kind its vocabulary says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/token.hpp>
#include <quipu/text/byte_level_bpe.hpp>
#include <quipu/text/character_bpe.hpp>
#include <quipu/text/sentencepiece_bpe.hpp>
#include <quipu/text/special_places.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// One of the library's tokenizers, or none: a checkpoint without a vocabulary still runs on token
/// ids. Cheap to copy, const, usable by several threads at once.
class any_tokenizer {
  template <class Visit>
  [[nodiscard]] decltype(auto) visit(const char* what, const Visit& call) const;

 public:
  /// No tokenizer: `n_vocab()` is 0 and everything that needs a vocabulary throws config_error.
  any_tokenizer() = default;

  /// @throws config_error  an unknown pre-tokenizer
  /// @throws format_error  the vocabulary contradicts itself
  explicit any_tokenizer(vocabulary source);
  explicit any_tokenizer(sentencepiece_tokenizer tokenizer) : held_(std::move(tokenizer)) {}
  explicit any_tokenizer(character_bpe_tokenizer tokenizer) : held_(std::move(tokenizer)) {}
  explicit any_tokenizer(byte_level_tokenizer tokenizer) : held_(std::move(tokenizer)) {}

  /// Is there a vocabulary?
  [[nodiscard]] explicit operator bool() const noexcept { return held_.index() != 0; }

  [[nodiscard]] std::vector<token_id> encode(std::string_view text, const special_places& where = special::plain) const;
  [[nodiscard]] std::string_view piece(token_id token) const;
  [[nodiscard]] std::string_view leading_piece(token_id token) const;
  [[nodiscard]] bool is_control(token_id token) const;
  [[nodiscard]] bool is_end(token_id token) const;
  /// What the tokenizer was built from.
  [[nodiscard]] const vocabulary& vocab() const;

  /// What the file's reader has to say to the user; empty without a vocabulary.
  [[nodiscard]] std::vector<std::string> warnings() const;

  [[nodiscard]] std::size_t n_vocab() const noexcept { return *this ? vocab().tokens.size() : 0; }
  [[nodiscard]] token_id bos() const noexcept { return *this ? vocab().bos : no_token; }
  [[nodiscard]] token_id eos() const noexcept { return *this ? vocab().eos : no_token; }
  [[nodiscard]] bool add_bos() const noexcept { return *this && vocab().add_bos; }
  [[nodiscard]] bool add_eos() const noexcept { return *this && vocab().add_eos; }
  [[nodiscard]] token_id find_special(std::string_view text) const noexcept;

 private:
  std::variant<std::monostate, sentencepiece_tokenizer, byte_level_tokenizer, character_bpe_tokenizer> held_;
};

static_assert(tokenizer<any_tokenizer>);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/any_tokenizer.ipp>
#endif

/// @file The tokenizer of Llama 1 and 2: SentencePiece's BPE with scores and byte fallback.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/token.hpp>
#include <quipu/text/special_places.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// SentencePiece BPE, as sentencepiece and llama.cpp compute it: characters are joined pair by
/// pair, the pair whose joined piece has the highest score first; what is no piece in the end
/// becomes bytes.
///
/// Spaces become U+2581, with one more in front of the text and after every token that is matched
/// as a whole, if the vocabulary says so. Bytes that are not UTF-8 are taken one by one and
/// survive. A tokenizer.model says more: a normalisation rule, that blanks at the ends and all but one of a run vanish,
/// and symbols that are never parts of a piece (`token_matching::frozen`; see `sentencepiece_normalizer`).
/// Source: https://github.com/google/sentencepiece (bpe_model.cc), llama.cpp's SPM tokenizer.
class sentencepiece_tokenizer {
 public:
  /// @throws format_error  the vocabulary contradicts itself, or can neither spell bytes nor has an
  /// unk
  explicit sentencepiece_tokenizer(vocabulary source);

  /// Ids of `text` without bos and eos.
  /// @throws config_error  the text has 1 GiB or more
  /// Cost: n log n in the longest stretch without a space, n in the number of such stretches.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text, const special_places& where = special::plain) const;

  /// Bytes that `token` stands for: nothing for control tokens.
  [[nodiscard]] std::string_view piece(token_id token) const;

  /// `piece`, without the space that encoding put in front of the text.
  [[nodiscard]] std::string_view leading_piece(token_id token) const;

  [[nodiscard]] std::size_t n_vocab() const noexcept;
  [[nodiscard]] token_id bos() const noexcept { return vocab().bos; }
  [[nodiscard]] token_id eos() const noexcept { return vocab().eos; }
  [[nodiscard]] bool add_bos() const noexcept { return vocab().add_bos; }
  [[nodiscard]] bool add_eos() const noexcept { return vocab().add_eos; }
  [[nodiscard]] bool is_control(token_id token) const;
  [[nodiscard]] bool is_end(token_id token) const;
  [[nodiscard]] token_id find_special(std::string_view text) const noexcept;
  [[nodiscard]] const vocabulary& vocab() const noexcept;

 private:
  struct state;
  std::shared_ptr<const state> state_;
};

static_assert(tokenizer<sentencepiece_tokenizer>);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/sentencepiece_bpe.ipp>
#endif

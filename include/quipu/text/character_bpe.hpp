/// @file BPE over characters with ranked merges, as tokenizer.json files of LLaMA 1 and 2 and their like hold it.
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

/// BPE as Hugging Face's tokenizers compute it: a word's characters are merged pair by pair, the pair that the file
/// lists first before others. A character without a token becomes its bytes ("<0xHH>") if the vocabulary has them all,
/// else the unk, else nothing.
///
/// Bytes that are not UTF-8 are taken one by one, each as a character of its own: they survive where the vocabulary has
/// byte tokens. Source: `BPE::merge_word` and `tokenize` in models/bpe/model.rs.
class character_bpe_tokenizer {
 public:
  /// @pre the vocabulary is of kind `sentencepiece` with `ranked_merges`
  /// @throws config_error  a pattern that PCRE2 refuses
  /// @throws format_error  the vocabulary contradicts itself
  explicit character_bpe_tokenizer(vocabulary source);

  /// Ids of `text` without bos and eos.
  /// @throws config_error  the text has 1 GiB or more
  /// Cost: n log n in the longest word, n otherwise.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text, const special_places& where = special::plain) const;

  /// Bytes that `token` stands for: nothing for control tokens and unk.
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

static_assert(tokenizer<character_bpe_tokenizer>);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/character_bpe.ipp>
#endif

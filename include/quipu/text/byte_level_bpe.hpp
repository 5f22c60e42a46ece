/// @file The tokenizer of Llama 3, SmolLM2, Qwen2 and GPT-2: byte-level BPE with ranked merges.
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

/// Byte-level BPE, as llama.cpp and Hugging Face's tokenizers compute it: the pre-tokenizer cuts
/// words, the bytes of a word are merged pair by pair, the best-ranked pair first.
///
/// Any bytes can be encoded; those that are not UTF-8 form words of their own (see
/// `pre_tokenizer`), so that decoding gives them back. A byte for which the
/// vocabulary has no token is left out, as in llama.cpp: SmolLM2 lacks some control characters and
/// bytes that hardly occur in UTF-8, and its unk is the end of the text. With `strict_bytes`, for a tokenizer.json,
/// such a byte is the unk, if the file names one, else left out before pairs are merged.
class byte_level_tokenizer {
 public:
  /// @throws config_error  the pre-tokenizer is none that the library knows
  /// @throws format_error  the vocabulary contradicts itself
  explicit byte_level_tokenizer(vocabulary source);

  /// Ids of `text` without bos and eos.
  /// @throws config_error  the text has 1 GiB or more
  /// Cost: n, and n log n in the longest word.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text, const special_places& where = special::plain) const;

  /// Bytes that `token` stands for: nothing for control tokens.
  [[nodiscard]] std::string_view piece(token_id token) const;
  /// The same as `piece`: no space was added in front of a text.
  [[nodiscard]] std::string_view leading_piece(token_id token) const { return piece(token); }

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

static_assert(tokenizer<byte_level_tokenizer>);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/byte_level_bpe.ipp>
#endif

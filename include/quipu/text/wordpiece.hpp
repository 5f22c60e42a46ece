/// @file WordPiece, the tokenizer of BERT-family encoders.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error, format_error, io_error
#include <quipu/core/keyed_hash.hpp>
#include <quipu/core/token.hpp>

namespace quipu::text {

/// How a WordPiece vocabulary is used. Source: BERT's tokenization.py and the Hugging Face file format.
struct wordpiece_options {
  bool lower_case = true;          ///< and without accents
  bool part_ideographs = true;     ///< every CJK ideograph is a word
  std::size_t longest_word = 100;  ///< characters; longer words are unknown
  std::string continuation = "##"; ///< before pieces inside a word
};

/// Greedy longest-match pieces of words. Special tokens in the text ("[SEP]") are text, never tokens.
class wordpiece {
 public:
  /// @param tokens  by id; must hold [CLS], [SEP] and [UNK]
  /// @throws format_error  one of those is missing, or a token twice
  explicit wordpiece(const std::vector<std::string>& tokens, wordpiece_options options = {});

  /// Reads Hugging Face's tokenizer.json.
  /// @throws io_error      cannot be read
  /// @throws format_error  not a WordPiece tokenizer, or ids that are not 0 .. n - 1
  [[nodiscard]] static wordpiece from_tokenizer_json(const std::string& path);

  /// [CLS], the pieces, [SEP]; cut so that there are at most `longest` ids.
  /// @throws config_error  longest below 2
  [[nodiscard]] std::vector<token_id> encode(std::string_view text, std::size_t longest) const;
  /// Ids are below this.
  [[nodiscard]] std::size_t n_vocab() const noexcept { return n_vocab_; }

 private:
  token_id special(const char* name) const;
  static bool is_blank(std::int32_t code) noexcept;
  static bool is_control(std::int32_t code) noexcept;
  static bool is_punctuation(std::int32_t code) noexcept;
  /// CJK unified ideographs and their extensions, as BERT lists them.
  static bool is_ideograph(char32_t code) noexcept;
  /// Normalises one character and appends what it becomes; punctuation stands alone.
  template <class End>
  void add_characters(std::int32_t code, std::u32string& word, End&& end) const;
  void add_word(const std::u32string& word, std::vector<token_id>& ids) const;

  wordpiece_options options_;
  std::size_t n_vocab_;
  std::unordered_map<std::string, token_id, keyed_text_hash, std::equal_to<>> ids_;
  token_id cls_ = no_token, sep_ = no_token, unknown_ = no_token;
};

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/wordpiece.ipp>
#endif

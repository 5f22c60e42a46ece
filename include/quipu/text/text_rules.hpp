/// @file How a tokenizer file says that text is prepared: plain data, which `normalizer` and `word_splitter` carry out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <quipu/core/token.hpp>

namespace quipu::text {

/// Which of several tokens that overlap in a text is cut out as a whole.
enum class token_matching : std::uint8_t {
  longest_first,     ///< the longest anywhere, then the next: llama.cpp (GGUF)
  leftmost_longest,  ///< the one that begins first, the longest there: Hugging Face (tokenizer.json)
  frozen,            ///< as `leftmost_longest`, but user-defined ones stay a part of the text: SentencePiece
};

/// An added token that does more than match its own letters. Source: `AddedToken` of Hugging Face's tokenizers.
struct added_token {
  token_id token = no_token;
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool single_word = false;  ///< no match beside a letter, mark, digit or low line
  bool normalized = false;   ///< sought in the normalized text, as its own normalized text
};

/// Changes to a text before it is cut into words. Names as in tokenizer.json.
enum class normalizer_kind : std::uint8_t {
  nfc,
  nfd,
  nfkc,
  nfkd,
  lowercase,
  strip_accents,  ///< drops all marks
  strip,          ///< white space at the ends; `left`, `right`
  prepend,        ///< `content` in front of a text that is not empty
  replace,        ///< `pattern` by `content`
};

struct normalizer_step {
  normalizer_kind kind = normalizer_kind::nfc;
  std::string pattern{};       ///< replace: what is sought
  bool is_expression = false;  ///< `pattern` is a regular expression (PCRE2) rather than a text
  std::string content{};
  bool left = true;
  bool right = true;
};

/// What becomes of the matches of a `split_step`. Source: `SplitDelimiterBehavior` of Hugging Face's tokenizers.
enum class split_behavior : std::uint8_t { isolated, removed, merged_with_previous, merged_with_next, contiguous };

/// Where a step puts its prefix in front.
enum class prefix_scheme : std::uint8_t { never, first, always };

/// One step that cuts text into words, those of a sequence one after the other on the words of the step before.
/// First the blanks are replaced and the prefix is put in front, then the words are cut.
struct split_step {
  std::string pattern{};  ///< PCRE2; empty: nothing is cut
  split_behavior behavior = split_behavior::isolated;
  bool invert = false;                          ///< what lies between the matches counts as matches
  std::string blank{};                          ///< in place of every U+0020; empty: blanks stay
  std::string prefix{};                         ///< put in front of a word that does not begin with it
  prefix_scheme scheme = prefix_scheme::never;  ///< `first`: only where the text begins
};

}  // namespace quipu::text

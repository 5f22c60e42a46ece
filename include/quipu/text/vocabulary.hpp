/// @file What a checkpoint says about its tokens: the common form that every tokenizer is built from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/text/text_rules.hpp>

namespace quipu::text {

/// How text is cut into tokens.
enum class tokenizer_kind : std::uint8_t {
  none,            ///< the checkpoint has no vocabulary
  sentencepiece,   ///< SentencePiece BPE with scores and byte fallback (Llama 1 and 2)
  byte_level_bpe,  ///< GPT-2's byte-level BPE with ranked merges (Llama 3, SmolLM2, Qwen2)
};

/// Numbering as in GGUF's `tokenizer.ggml.token_type`.
enum class token_kind : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,       ///< special: matched in text only if the caller asks for it, decodes to nothing
  user_defined = 4,  ///< always matched as a whole
  unused = 5,
  byte = 6,          ///< "<0xHH>": one raw byte
};

/// A vocabulary as read from a checkpoint or a tokenizer file. Plain data; `tokenizer` checks it.
struct vocabulary {
  tokenizer_kind kind = tokenizer_kind::none;
  std::vector<std::string> tokens;  ///< (n_vocab) as stored: U+2581 for space, or GPT-2's byte alphabet
  std::vector<float> scores;        ///< (n_vocab) sentencepiece only
  std::vector<token_kind> kinds;    ///< (n_vocab)
  std::vector<std::pair<std::string, std::string>> merges;  ///< byte_level_bpe: best first
  std::string pre_tokenizer;  ///< byte_level_bpe: GGUF's name ("smollm", "gpt-2", "llama-bpe", "qwen2")
  token_id bos = no_token;
  token_id eos = no_token;
  /// Tokens that end a text or a turn besides `eos` and those known by their texts; a tokenizer's own vocabulary has all.
  std::vector<token_id> end_tokens;
  token_id unk = no_token;
  token_id pad = no_token;
  bool add_bos = false;           ///< put `bos` before a text
  bool add_eos = false;           ///< put `eos` after a text
  bool add_space_prefix = false;  ///< sentencepiece: put a space before the text
  bool ignore_merges = false;     ///< a word that is a token stays whole (Llama 3)
  std::string chat_template;      ///< Jinja source, empty if the checkpoint has none

  // How the text is prepared, as far as the file says more than the fields above.
  token_matching matching = token_matching::longest_first;
  std::vector<added_token> added;            ///< manners of tokens that are matched as a whole; others have none
  std::vector<token_id> added_only;          ///< tokenizer.json: tokens that its model does not list
  std::vector<normalizer_step> normalizers;  ///< in order
  std::vector<split_step> splits;            ///< tokenizer.json: in order, in place of `pre_tokenizer`
  bool ranked_merges = false;  ///< sentencepiece: pairs of `merges` by rank, not pieces by score (tokenizer.json)
  bool drop_first_space = false;  ///< ranked_merges: decoding leaves out the blank that encoding put in front
  bool strict_bytes = false;   ///< byte_level_bpe: a byte without a token is `unk`, else left out before merging
  bool fuse_unk = false;       ///< neighbouring unknown characters are one `unk` (tokenizer.json)
  bool remove_extra_whitespaces = false;  ///< sentencepiece: blanks at the ends, and all but one of a run
  std::string charsmap;                   ///< sentencepiece: normalisation rule as the model stores it
  std::string unk_surface = " \xE2\x81\x87 ";  ///< sentencepiece: what `unk` decodes to
  std::string place;                      ///< file that it was read from, for messages; may be empty
  std::vector<std::string> warnings;      ///< what a program should tell its user about this file
};

}  // namespace quipu::text

/// @file Prepares a text as SentencePiece does: its normalisation rule, blanks, user-defined symbols.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/text/charsmap.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/token_automaton.hpp>
#include <quipu/text/utf8.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// A symbol that the user of the trainer defined, in a text: never a part of another piece.
struct frozen_symbol {
  std::size_t begin = 0;
  std::size_t length = 0;
  token_id token = no_token;
};

/// Source: google/sentencepiece, `Normalizer::Normalize` and `PrefixMatcher`. Bytes that are not UTF-8 stay as they
/// are, where SentencePiece puts U+FFFD: so a text can be had back. Immutable.
class sentencepiece_normalizer {
 public:
  sentencepiece_normalizer() = default;
  /// @param vocab  its user-defined tokens are the symbols if it says `frozen`; lives at least as long
  /// @throws format_error  a normalisation rule whose sizes do not fit together
  explicit sentencepiece_normalizer(const vocabulary& vocab)
      : map_(vocab.charsmap, "vocabulary"),
        prefix_(vocab.add_space_prefix),
        remove_extra_(vocab.remove_extra_whitespaces) {
    if (vocab.matching != token_matching::frozen) return;
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
      if (vocab.kinds[i] != token_kind::user_defined || vocab.tokens[i].empty()) continue;
      texts.push_back(vocab.tokens[i]);
      ids_.push_back(static_cast<token_id>(i));
    }
    if (!texts.empty()) symbols_ = token_automaton(texts);
  }

  [[nodiscard]] bool has_symbols() const noexcept { return !ids_.empty(); }

  /// `text` with its blanks as U+2581. Cost: linear.
  [[nodiscard]] std::string operator()(std::string_view text) const {
    std::string out;
    if (map_.empty() && !remove_extra_) {  // nothing to look up
      out.reserve(text.size() + text.size() / 2 + 3);
      if (!text.empty() && prefix_) out.append(sentencepiece_space);
      append_escaped_spaces(out, text);
      return out;
    }
    const std::vector<frozen_symbol> frozen = symbols_in(text);
    std::size_t next = 0;  // of `frozen`
    std::size_t at = 0;
    if (remove_extra_) {
      while (at < text.size()) {
        const step one = step_at(text, at, frozen, next);
        if (one.text != " ") break;
        at += one.length;
      }
    }
    if (at == text.size()) return out;
    out.reserve(text.size() + text.size() / 2 + 3);
    if (prefix_) out.append(sentencepiece_space);
    bool after_blank = remove_extra_;
    while (at < text.size()) {
      const step one = step_at(text, at, frozen, next);
      std::string_view made = one.text;
      while (after_blank && made.starts_with(' ')) made.remove_prefix(1);
      if (!made.empty()) {
        append_escaped_spaces(out, made);
        after_blank = remove_extra_ && made.ends_with(' ');
      }
      at += one.length;
    }
    if (remove_extra_) {
      while (std::string_view(out).ends_with(sentencepiece_space)) out.resize(out.size() - sentencepiece_space.size());
    }
    return out;
  }

  /// The symbols in `text`, from left to right, at each place the longest.
  [[nodiscard]] std::vector<frozen_symbol> symbols_in(std::string_view text) const {
    std::vector<frozen_symbol> all;
    if (ids_.empty()) return all;
    symbols_.for_each_start(text, [&](std::size_t begin, std::int32_t pattern) {
      all.push_back({begin, symbols_.length(pattern), ids_[static_cast<std::size_t>(pattern)]});
    });
    std::vector<frozen_symbol> kept;
    std::size_t done = 0;
    for (std::size_t i = all.size(); i-- > 0;) {
      if (all[i].begin < done) continue;
      kept.push_back(all[i]);
      done = all[i].begin + all[i].length;
    }
    return kept;
  }

 private:
  struct step {
    std::string_view text;  // what the next bytes become
    std::size_t length;     // how many they are
  };

  // A symbol stays as it is; a string of the rule is replaced; else one character.
  [[nodiscard]] step step_at(std::string_view text, std::size_t at, const std::vector<frozen_symbol>& frozen,
                             std::size_t& next) const {
    while (next < frozen.size() && frozen[next].begin < at) ++next;
    if (next < frozen.size() && frozen[next].begin == at)
      return {text.substr(at, frozen[next].length), frozen[next].length};
    if (const charsmap::found rule = map_.longest(text.substr(at)); rule.length > 0) return {rule.by, rule.length};
    const utf8_step one = decode_utf8(text, at);
    const std::size_t length = one.status == utf8_status::valid ? one.length : 1;
    return {text.substr(at, length), length};
  }

  charsmap map_;
  bool prefix_ = false;
  bool remove_extra_ = false;
  token_automaton symbols_;
  std::vector<token_id> ids_;  // of the symbols
};

}  // namespace quipu::text

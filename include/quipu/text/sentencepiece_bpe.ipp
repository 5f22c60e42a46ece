// What sentencepiece_bpe.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/flat_index.hpp>  // string_index, merge_rule
#include <quipu/text/pair_merger.hpp>
#include <quipu/text/sentencepiece_bpe.hpp>
#include <quipu/text/sentencepiece_normalizer.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/token_table.hpp>
#include <quipu/text/utf8.hpp>
#include <quipu/text/vocabulary.hpp>
#include <quipu/text/word_cache.hpp>

namespace quipu::text {

struct sentencepiece_tokenizer::state {
  static constexpr std::size_t max_text = std::size_t{1} << 30;

  explicit state(vocabulary source);
  void encode_escaped(std::string_view escaped, std::vector<token_id>& ids) const;
  void encode_part(std::string_view escaped, pair_merger& merger, std::vector<token_id>& ids) const;
  void encode_word(std::string_view word, pair_merger& merger, std::vector<token_id>& ids) const;
  void append_bytes(std::string_view bytes, std::vector<token_id>& ids) const;
  [[nodiscard]] token_id symbol(std::string_view text) const noexcept;
  void rank_scores();

  token_table table;
  special_matcher specials;
  sentencepiece_normalizer escape;
  std::vector<std::string> pieces;   // (n_vocab) decoded
  string_index index;                // texts of the pieces that merging may give
  std::vector<std::uint32_t> ranks;  // (n_vocab) position of the score among all, best first
  std::array<token_id, 256> bytes{};
  std::size_t longest = 0;
  bool has_unused = false;
  bool spaces_start_words = true;  // no piece has U+2581 after another character
};

inline sentencepiece_tokenizer::state::state(vocabulary source)
    : table(std::move(source)), index(table.n_vocab()) {
  const vocabulary& vocab = table.source();
  if (vocab.scores.size() != vocab.tokens.size()) {
    fail<format_error>("vocabulary: scores", concat(vocab.tokens.size(), ", one a token"),
                       vocab.scores.size());
  }
  bytes.fill(no_token);
  pieces.resize(vocab.tokens.size());
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const auto id = static_cast<token_id>(i);
    const std::string& text = vocab.tokens[i];
    if (std::isnan(vocab.scores[i]))
      fail<format_error>(concat("vocabulary: score of token ", i), "a number", "NaN");
    switch (vocab.kinds[i]) {
      case token_kind::unknown:
        pieces[i] = vocab.unk_surface;
        break;
      case token_kind::control:
        break;
      case token_kind::byte: {
        const int value = byte_of_piece(text);
        if (value < 0) fail<format_error>(concat("vocabulary: byte token ", i), "<0xHH>", printable(text));
        pieces[i] = static_cast<char>(value);
        bytes[value] = id;
        break;
      }
      default:
        pieces[i] = unescape_spaces(text);
        if (text.empty()) break;
        index.insert(text, id);
        longest = std::max(longest, text.size());
        has_unused = has_unused || vocab.kinds[i] == token_kind::unused;
        for (std::size_t at = text.find(sentencepiece_space, 1); at != std::string::npos;
             at = text.find(sentencepiece_space, at + 1)) {
          const bool follows_space =
              at >= 3 && std::string_view(text).substr(at - 3, 3) == sentencepiece_space;
          if (!follows_space) spaces_start_words = false;
        }
    }
  }
  escape = sentencepiece_normalizer(vocab);
  std::vector<special_token> whole;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const auto id = static_cast<token_id>(i);
    const token_kind kind = vocab.kinds[i];
    if (kind == token_kind::user_defined && vocab.matching != token_matching::frozen)
      whole.push_back({pieces[i], id, special::plain});
    const bool asked_for = kind == token_kind::control || kind == token_kind::unknown;
    if (asked_for) whole.push_back({vocab.tokens[i], id, special::parse});
  }
  std::vector<added_token> manners(vocab.added.empty() ? 0 : vocab.tokens.size());
  for (const added_token& one : vocab.added) manners.at(static_cast<std::size_t>(one.token)) = one;
  for (special_token& one : whole) {
    if (!manners.empty()) one.manners = manners[static_cast<std::size_t>(one.token)];
  }
  specials = special_matcher(std::move(whole));
  const bool spells_bytes = std::find(bytes.begin(), bytes.end(), no_token) == bytes.end();
  if (!spells_bytes && vocab.unk == no_token) {
    fail<format_error>("vocabulary", "256 byte tokens or an unk token", "neither");
  }
  rank_scores();
}

/// The user-defined token of exactly this text, or `no_token`.
inline token_id sentencepiece_tokenizer::state::symbol(std::string_view text) const noexcept {
  const vocabulary& vocab = table.source();
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (vocab.kinds[i] == token_kind::user_defined && pieces[i] == text) return static_cast<token_id>(i);
  }
  return no_token;
}

/// Scores as ranks, equal scores with equal ranks: queues then compare integers.
inline void sentencepiece_tokenizer::state::rank_scores() {
  const std::vector<float>& scores = table.source().scores;
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
  ranks.resize(scores.size());
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && scores[order[i]] != scores[order[i - 1]]) ++rank;
    ranks[order[i]] = rank;
  }
}

inline void sentencepiece_tokenizer::state::encode_escaped(std::string_view escaped,
                                                           std::vector<token_id>& ids) const {
  pair_merger merger;
  std::size_t done = 0;
  for (const frozen_symbol& one : escape.symbols_in(escaped)) {
    encode_part(escaped.substr(done, one.begin - done), merger, ids);
    ids.push_back(one.token);
    done = one.begin + one.length;
  }
  encode_part(escaped.substr(done), merger, ids);
}

inline void sentencepiece_tokenizer::state::encode_part(std::string_view escaped, pair_merger& merger,
                                                        std::vector<token_id>& ids) const {
  // If no piece continues over a space, no merge does, and words are independent of each other.
  // An unused piece is taken apart as it was joined anywhere in the text, so then the text stays
  // whole.
  if (!spaces_start_words || has_unused) return encode_word(escaped, merger, ids);
  word_cache cache;
  const auto encode = [&](std::string_view word, std::vector<token_id>& out) {
    encode_word(word, merger, out);
  };
  for (std::size_t begin = 0; begin < escaped.size();) {
    std::size_t end = begin;
    while (escaped.substr(end, 3) == sentencepiece_space) end += 3;
    end = std::min(escaped.find(sentencepiece_space, end), escaped.size());
    cache.append(escaped.substr(begin, end - begin), ids, encode);
    begin = end;
  }
}

inline void sentencepiece_tokenizer::state::encode_word(std::string_view word, pair_merger& merger,
                                                        std::vector<token_id>& ids) const {
  const vocabulary& vocab = table.source();
  merger.clear();
  for (std::size_t at = 0; at < word.size();) {
    const utf8_step step = decode_utf8(word, at);
    const std::size_t length = step.status == utf8_status::valid ? step.length : 1;
    merger.add(static_cast<std::uint32_t>(length), no_token);
    at += length;
  }
  using symbol = pair_merger::symbol;
  std::unordered_map<std::string_view, std::size_t>
      halves;  // of unused pieces: length of the left one
  merger.merge([&](const symbol& left, const symbol& right) -> merge_rule {
    const std::size_t length = left.length + right.length;
    if (length > longest) return {};
    const std::string_view joined = word.substr(left.begin, length);
    const token_id id = index.find(joined);
    if (id == string_index::absent) return {};
    if (has_unused && vocab.kinds[id] == token_kind::unused) halves[joined] = left.length;
    return {ranks[id], id};
  });
  std::vector<std::string_view> pending;
  merger.for_each([&](const symbol& one) {
    pending.push_back(word.substr(one.begin, one.length));
    while (!pending.empty()) {
      const std::string_view text = pending.back();
      pending.pop_back();
      const token_id id = index.find(text);
      if (id != string_index::absent && vocab.kinds[id] != token_kind::unused) {
        ids.push_back(id);
      } else if (const auto half = halves.find(text); half != halves.end()) {
        pending.push_back(text.substr(half->second));
        pending.push_back(text.substr(0, half->second));
      } else if (id != string_index::absent) {
        ids.push_back(id);  // an unused single character
      } else {
        append_bytes(text, ids);
      }
    }
  });
}

inline void sentencepiece_tokenizer::state::append_bytes(std::string_view text,
                                                         std::vector<token_id>& ids) const {
  const token_id unk = table.source().unk;
  for (const char c : text) {
    const token_id id = bytes[static_cast<unsigned char>(c)];
    // Without byte tokens a run of unknown characters is one unk, as in sentencepiece.
    if (id != no_token)
      ids.push_back(id);
    else if (unk != no_token && (ids.empty() || ids.back() != unk))
      ids.push_back(unk);
  }
}

QUIPU_INLINE sentencepiece_tokenizer::sentencepiece_tokenizer(vocabulary source)
    : state_(std::make_shared<const state>(std::move(source))) {}

QUIPU_INLINE std::vector<token_id> sentencepiece_tokenizer::encode(std::string_view text,
                                                                   const special_places& where) const {
  if (text.size() >= state::max_text)
    fail<config_error>("encode: text", "less than 1 GiB", concat(text.size(), " bytes"));
  std::vector<token_id> ids;
  for (const text_fragment& part : state_->specials.split(text, where)) {
    if (part.token != no_token) {
      ids.push_back(part.token);
    } else {
      state_->encode_escaped(state_->escape(part.text), ids);
    }
  }
  return ids;
}

QUIPU_INLINE std::string_view sentencepiece_tokenizer::piece(token_id token) const {
  return state_->pieces[state_->table.checked(token)];
}

QUIPU_INLINE std::string_view sentencepiece_tokenizer::leading_piece(token_id token) const {
  std::string_view bytes = piece(token);
  const token_kind kind = vocab().kinds[token];
  const bool made_of_characters = kind == token_kind::normal || kind == token_kind::unused;
  if (vocab().add_space_prefix && made_of_characters && bytes.starts_with(' '))
    bytes.remove_prefix(1);
  return bytes;
}

QUIPU_INLINE std::size_t sentencepiece_tokenizer::n_vocab() const noexcept { return state_->table.n_vocab(); }

QUIPU_INLINE bool sentencepiece_tokenizer::is_control(token_id token) const {
  return state_->table.kind(token) == token_kind::control;
}

QUIPU_INLINE bool sentencepiece_tokenizer::is_end(token_id token) const { return state_->table.is_end(token); }

QUIPU_INLINE token_id sentencepiece_tokenizer::find_special(std::string_view text) const noexcept {
  const token_id known = state_->specials.find(text);
  return known != no_token || !state_->escape.has_symbols() ? known : state_->symbol(text);
}

QUIPU_INLINE const vocabulary& sentencepiece_tokenizer::vocab() const noexcept { return state_->table.source(); }

}  // namespace quipu::text

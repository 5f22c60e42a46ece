// What character_bpe.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/character_bpe.hpp>
#include <quipu/text/flat_index.hpp>
#include <quipu/text/pair_merger.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/text_preparation.hpp>
#include <quipu/text/token_table.hpp>
#include <quipu/text/utf8.hpp>
#include <quipu/text/vocabulary.hpp>
#include <quipu/text/word_cache.hpp>
#include <quipu/text/word_splitter.hpp>

namespace quipu::text {

struct character_bpe_tokenizer::state {
  static constexpr std::size_t max_text = std::size_t{1} << 30;

  explicit state(vocabulary source);
  void read_merges();
  void encode_word(std::string_view word, pair_merger& merger, std::vector<token_id>& ids) const;
  template <class Visit>
  void cut(std::string_view part, bool at_start, std::list<std::string>& kept, const Visit& visit) const;

  token_table table;
  word_splitter steps;
  std::optional<text_preparation> prepared;
  std::vector<std::string> pieces;  // (n_vocab) decoded
  string_index index;               // texts of the model's tokens
  pair_index merges;
  std::array<token_id, 256> bytes{};
  bool spaces_start_words = true;  // no merge puts U+2581 behind another character
};

inline character_bpe_tokenizer::state::state(vocabulary source)
    : table(std::move(source)),
      steps(table.source().splits),
      index(table.n_vocab()),
      merges(table.source().merges.size()) {
  const vocabulary& vocab = table.source();
  bytes.fill(no_token);
  pieces.resize(vocab.tokens.size());
  std::vector<bool> added_only(vocab.tokens.size());
  for (const token_id token : vocab.added_only) added_only.at(static_cast<std::size_t>(token)) = true;
  std::vector<special_token> specials;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const auto id = static_cast<token_id>(i);
    const std::string& text = vocab.tokens[i];
    const token_kind kind = vocab.kinds[i];
    if (!added_only[i] && !text.empty()) index.insert(text, id);
    if (kind == token_kind::byte) {
      const int value = byte_of_piece(text);
      if (value < 0) fail<format_error>(concat("vocabulary: byte token ", i), "<0xHH>", text);
      pieces[i] = static_cast<char>(value);
      bytes[static_cast<std::size_t>(value)] = id;
    } else if (kind == token_kind::control || kind == token_kind::unknown) {
      specials.push_back({text, id, special::parse});
    } else {
      pieces[i] = unescape_spaces(text);
      if (kind == token_kind::user_defined) specials.push_back({text, id, special::plain});
    }
  }
  prepared.emplace(vocab, std::move(specials));
  read_merges();
}

inline void character_bpe_tokenizer::state::read_merges() {
  const auto& pairs = table.source().merges;
  if (pairs.size() >= merge_rule::none) fail<format_error>("vocabulary: merges", "fewer than 2^32", pairs.size());
  for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
    const auto& [left, right] = pairs[rank];
    const std::int32_t a = index.find(left);
    const std::int32_t b = index.find(right);
    const std::int32_t joined = index.find(left + right);
    if (a < 0 || b < 0 || joined < 0) {
      fail<format_error>(concat("vocabulary: merge ", rank), "tokens",
                         concat(printable(left), " and ", printable(right)));
    }
    merges.insert(a, b, {static_cast<std::uint32_t>(rank), joined});
    if (right.starts_with(sentencepiece_space) && !left.ends_with(sentencepiece_space)) spaces_start_words = false;
    if (left.ends_with('>') && left.starts_with("<0x")) spaces_start_words = false;  // bytes that may be part of U+2581
  }
  // A word that is a token as a whole would have to be seen as a whole.
  if (table.source().ignore_merges) spaces_start_words = false;
}

/// Words in the sense of the file; without a step that cuts, runs that no merge can join.
template <class Visit>
void character_bpe_tokenizer::state::cut(std::string_view part, bool at_start, std::list<std::string>& kept,
                                         const Visit& visit) const {
  const auto whole = [&](std::string_view word) {
    if (!spaces_start_words || index.find(sentencepiece_space) < 0) return visit(word);
    for (std::size_t begin = 0; begin < word.size();) {
      std::size_t end = begin;
      while (word.substr(end, 3) == sentencepiece_space) end += 3;
      end = std::min(word.find(sentencepiece_space, end), word.size());
      visit(word.substr(begin, end - begin));
      begin = end;
    }
  };
  if (steps.empty()) {
    if (!part.empty()) whole(part);
  } else {
    steps.for_each_word(part, at_start, kept, whole);
  }
}

inline void character_bpe_tokenizer::state::encode_word(std::string_view word, pair_merger& merger,
                                                        std::vector<token_id>& ids) const {
  const vocabulary& vocab = table.source();
  if (vocab.ignore_merges) {
    if (const std::int32_t whole = index.find(word); whole >= 0) return ids.push_back(whole);
  }
  merger.clear();
  std::uint32_t unknown = 0;  // length of the unknown characters that wait for their token
  for (std::size_t at = 0; at < word.size();) {
    const utf8_step step = decode_utf8(word, at);
    const std::size_t length = step.status == utf8_status::valid ? step.length : 1;
    const std::string_view letter = word.substr(at, length);
    at += length;
    const std::int32_t id = index.find(letter);
    if (id >= 0 && (length > 1 || step.status == utf8_status::valid)) {
      if (unknown > 0) merger.add(std::exchange(unknown, 0u), vocab.unk);
      merger.add(static_cast<std::uint32_t>(length), id);
      continue;
    }
    bool spelled = true;
    for (const char c : letter) spelled = spelled && bytes[static_cast<unsigned char>(c)] != no_token;
    if (spelled) {
      // The unknown one before goes on waiting: so it is there too.
      for (const char c : letter) merger.add(1, bytes[static_cast<unsigned char>(c)]);
    } else if (vocab.unk != no_token) {
      if (unknown > 0 && !vocab.fuse_unk) merger.add(std::exchange(unknown, 0u), vocab.unk);
      unknown += static_cast<std::uint32_t>(length);
    }
  }
  if (unknown > 0) merger.add(unknown, vocab.unk);
  using symbol = pair_merger::symbol;
  merger.merge([&](const symbol& left, const symbol& right) { return merges.find(left.id, right.id); });
  merger.for_each([&](const symbol& one) { ids.push_back(one.id); });
}

QUIPU_INLINE character_bpe_tokenizer::character_bpe_tokenizer(vocabulary source)
    : state_(std::make_shared<const state>(std::move(source))) {}

QUIPU_INLINE std::vector<token_id> character_bpe_tokenizer::encode(std::string_view text,
                                                                   const special_places& where) const {
  if (text.size() >= state::max_text)
    fail<config_error>("encode: text", "less than 1 GiB", concat(text.size(), " bytes"));
  std::vector<token_id> ids;
  std::list<std::string> kept;  // what words point into; outlives the cache of words
  word_cache cache;
  pair_merger merger;
  const auto encode = [&](std::string_view word, std::vector<token_id>& out) {
    state_->encode_word(word, merger, out);
  };
  const auto add = [&](std::string_view word) { cache.append(word, ids, encode); };
  state_->prepared->for_each(
      text, where, kept, [&](token_id token) { ids.push_back(token); },
      [&](std::string_view part, bool at_start) { state_->cut(part, at_start, kept, add); });
  return ids;
}

QUIPU_INLINE std::string_view character_bpe_tokenizer::piece(token_id token) const {
  return state_->pieces[state_->table.checked(token)];
}

QUIPU_INLINE std::string_view character_bpe_tokenizer::leading_piece(token_id token) const {
  std::string_view bytes = piece(token);
  const token_kind kind = vocab().kinds[static_cast<std::size_t>(token)];
  const bool made_of_characters = kind == token_kind::normal || kind == token_kind::unused;
  if (vocab().drop_first_space && made_of_characters && bytes.starts_with(' ')) bytes.remove_prefix(1);
  return bytes;
}

QUIPU_INLINE std::size_t character_bpe_tokenizer::n_vocab() const noexcept { return state_->table.n_vocab(); }

QUIPU_INLINE bool character_bpe_tokenizer::is_control(token_id token) const {
  return state_->table.kind(token) == token_kind::control;
}

QUIPU_INLINE bool character_bpe_tokenizer::is_end(token_id token) const { return state_->table.is_end(token); }

QUIPU_INLINE token_id character_bpe_tokenizer::find_special(std::string_view text) const noexcept {
  return state_->prepared->find(text);
}

QUIPU_INLINE const vocabulary& character_bpe_tokenizer::vocab() const noexcept { return state_->table.source(); }

}  // namespace quipu::text

// What byte_level_bpe.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/token.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <quipu/text/byte_level_bpe.hpp>
#include <quipu/text/flat_index.hpp>  // pair_index, string_index
#include <quipu/text/pair_merger.hpp>
#include <quipu/text/pre_tokenizer.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/text_preparation.hpp>
#include <quipu/text/token_table.hpp>
#include <quipu/text/vocabulary.hpp>
#include <quipu/text/word_cache.hpp>
#include <quipu/text/word_splitter.hpp>

namespace quipu::text {

struct byte_level_tokenizer::state {
  static constexpr std::size_t max_text = std::size_t{1} << 30;

  explicit state(vocabulary source);
  void index_added(const std::vector<special_token>& specials);
  void read_merges();
  std::int32_t symbol_of(std::string_view bytes);
  void add_strict(std::string_view word, pair_merger& merger) const;
  void encode_word(std::string_view word, pair_merger& merger, std::vector<token_id>& ids) const;

  token_table table;
  std::optional<pre_tokenizer> words;  // by name, or else
  word_splitter steps;
  std::optional<text_preparation> prepared;
  std::vector<std::string> pieces;  // (n_vocab) decoded
  string_index index;               // bytes of the symbols: ids of tokens, then of `extra`
  std::deque<std::string> spellings;  // bytes of added tokens that are in the model too
  std::deque<std::string> extra;      // symbols that merges name and that are no tokens
  pair_index merges;
  std::array<std::int32_t, 256> bytes{};  // symbol of every byte
};

inline byte_level_tokenizer::state::state(vocabulary source)
    : table(std::move(source)),
      steps(table.source().splits),
      index(table.n_vocab() + 256),
      merges(table.source().merges.size()) {
  const vocabulary& vocab = table.source();
  if (steps.empty()) words.emplace(pre_tokenizer_by_name(vocab.pre_tokenizer));
  pieces.resize(vocab.tokens.size());
  std::vector<special_token> specials;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const auto id = static_cast<token_id>(i);
    const std::string& text = vocab.tokens[i];
    switch (vocab.kinds[i]) {
      case token_kind::control:
      case token_kind::unknown:
        specials.push_back({text, id, special::parse});
        break;
      case token_kind::user_defined:
        pieces[i] = text;
        specials.push_back({text, id, special::plain});
        break;
      case token_kind::unused:
        break;
      default:
        if (!decode_byte_alphabet(text, pieces[i])) {
          pieces[i] = text;  // no merge of bytes leads here; kept readable
        } else if (!pieces[i].empty()) {
          index.insert(pieces[i], id);
        }
    }
  }
  if (vocab.strict_bytes) index_added(specials);
  prepared.emplace(vocab, std::move(specials));
  for (int byte = 0; byte < 256; ++byte)
    bytes[byte] = symbol_of(std::string(1, static_cast<char>(byte)));
  read_merges();
}

/// Merges of a tokenizer.json lead to whatever its model lists, added tokens or not.
inline void byte_level_tokenizer::state::index_added(const std::vector<special_token>& specials) {
  const vocabulary& vocab = table.source();
  std::vector<bool> added_only(vocab.tokens.size());
  for (const token_id token : vocab.added_only) added_only.at(static_cast<std::size_t>(token)) = true;
  for (const special_token& one : specials) {
    if (added_only[static_cast<std::size_t>(one.token)]) continue;
    std::string spelled;
    if (!decode_byte_alphabet(one.text, spelled) || spelled.empty()) continue;
    spellings.push_back(std::move(spelled));
    index.insert(spellings.back(), one.token);
  }
}

/// Id of the symbol with these bytes; a new one after the tokens if there is none.
inline std::int32_t byte_level_tokenizer::state::symbol_of(std::string_view spelled) {
  const std::int32_t known = index.find(spelled);
  if (known != string_index::absent) return known;
  const std::size_t id = table.n_vocab() + extra.size();
  if (id >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    fail<format_error>("vocabulary: merges", "fewer than 2^31 symbols", "more");
  }
  extra.emplace_back(spelled);
  index.insert(extra.back(), static_cast<std::int32_t>(id));
  return static_cast<std::int32_t>(id);
}

inline void byte_level_tokenizer::state::read_merges() {
  const auto& pairs = table.source().merges;
  if (pairs.size() >= merge_rule::none)
    fail<format_error>("vocabulary: merges", "fewer than 2^32", pairs.size());
  std::string left;
  std::string right;
  for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
    // Symbols are made of bytes, so a pair with a character outside the alphabet never meets.
    if (!decode_byte_alphabet(pairs[rank].first, left) ||
        !decode_byte_alphabet(pairs[rank].second, right))
      continue;
    if (left.empty() || right.empty())
      fail<format_error>(concat("vocabulary: merge ", rank), "two symbols", "one");
    const std::int32_t a = symbol_of(left);
    const std::int32_t b = symbol_of(right);
    merges.insert(a, b, {static_cast<std::uint32_t>(rank), symbol_of(left + right)});
  }
}

/// Source: `BPE::merge_word` of Hugging Face's tokenizers. Unknown bytes wait until a known one comes, so that those
/// side by side are one if the file fuses them.
inline void byte_level_tokenizer::state::add_strict(std::string_view word, pair_merger& merger) const {
  const vocabulary& vocab = table.source();
  const auto n_vocab = static_cast<std::int32_t>(table.n_vocab());
  std::uint32_t unknown = 0;  // length of the one that waits
  for (const char c : word) {
    const std::int32_t id = bytes[static_cast<unsigned char>(c)];
    if (id < n_vocab) {
      if (unknown > 0) merger.add(unknown, vocab.unk);
      unknown = 0;
      merger.add(1, id);
    } else if (vocab.unk != no_token) {
      if (unknown > 0 && !vocab.fuse_unk) merger.add(std::exchange(unknown, 0u), vocab.unk);
      ++unknown;
    }
  }
  if (unknown > 0) merger.add(unknown, vocab.unk);
}

inline void byte_level_tokenizer::state::encode_word(std::string_view word, pair_merger& merger,
                                                     std::vector<token_id>& ids) const {
  const vocabulary& vocab = table.source();
  const auto n_vocab = static_cast<std::int32_t>(table.n_vocab());
  if (vocab.ignore_merges) {
    const std::int32_t whole = index.find(word);
    if (whole != string_index::absent && whole < n_vocab) {
      ids.push_back(whole);
      return;
    }
  }
  merger.clear();
  if (vocab.strict_bytes) {
    add_strict(word, merger);
  } else {
    for (const char c : word) merger.add(1, bytes[static_cast<unsigned char>(c)]);
  }
  using symbol = pair_merger::symbol;
  merger.merge(
      [&](const symbol& left, const symbol& right) { return merges.find(left.id, right.id); });
  merger.for_each([&](const symbol& one) {
    if (one.id < n_vocab) {
      ids.push_back(one.id);
      return;
    }
    if (vocab.strict_bytes) return;
    for (const char c : word.substr(one.begin, one.length)) {
      const std::int32_t byte = bytes[static_cast<unsigned char>(c)];
      if (byte < n_vocab) ids.push_back(byte);
    }
  });
}

QUIPU_INLINE byte_level_tokenizer::byte_level_tokenizer(vocabulary source)
    : state_(std::make_shared<const state>(std::move(source))) {}

QUIPU_INLINE std::vector<token_id> byte_level_tokenizer::encode(std::string_view text,
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
      [&](std::string_view part, bool at_start) {
        if (state_->words) {
          state_->words->for_each_word(part, add);
        } else {
          state_->steps.for_each_word(part, at_start, kept, add);
        }
      });
  return ids;
}

QUIPU_INLINE std::string_view byte_level_tokenizer::piece(token_id token) const {
  return state_->pieces[state_->table.checked(token)];
}

QUIPU_INLINE std::size_t byte_level_tokenizer::n_vocab() const noexcept { return state_->table.n_vocab(); }

QUIPU_INLINE bool byte_level_tokenizer::is_control(token_id token) const {
  return state_->table.kind(token) == token_kind::control;
}

QUIPU_INLINE bool byte_level_tokenizer::is_end(token_id token) const { return state_->table.is_end(token); }

QUIPU_INLINE token_id byte_level_tokenizer::find_special(std::string_view text) const noexcept {
  return state_->prepared->find(text);
}

QUIPU_INLINE const vocabulary& byte_level_tokenizer::vocab() const noexcept { return state_->table.source(); }

}  // namespace quipu::text

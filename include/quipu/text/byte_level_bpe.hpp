/// @file The tokenizer of Llama 3, SmolLM2, Qwen2 and GPT-2: byte-level BPE with ranked merges.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <quipu/core/error.hpp>  // config_error, format_error
#include <quipu/core/token.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <quipu/text/flat_index.hpp>  // pair_index, string_index
#include <quipu/text/pair_merger.hpp>
#include <quipu/text/pre_tokenizer.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/token_table.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/vocabulary.hpp>
#include <quipu/text/word_cache.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quipu::text {

/// Byte-level BPE, as llama.cpp and Hugging Face's tokenizers compute it: the pre-tokenizer cuts
/// words, the bytes of a word are merged pair by pair, the best-ranked pair first.
///
/// Any bytes can be encoded; those that are not UTF-8 form words of their own (see
/// `pre_tokenizer`), so that decoding gives them back. A byte for which the
/// vocabulary has no token is left out, as in llama.cpp: SmolLM2 lacks some control characters and
/// bytes that hardly occur in UTF-8, and its unk is the end of the text.
class byte_level_tokenizer {
 public:
  /// @throws config_error  the pre-tokenizer is none that the library knows
  /// @throws format_error  the vocabulary contradicts itself
  explicit byte_level_tokenizer(vocabulary source)
      : state_(std::make_shared<const state>(std::move(source))) {}

  /// Ids of `text` without bos and eos.
  /// @throws config_error  the text has 1 GiB or more
  /// Cost: n, and n log n in the longest word.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text,
                                             special mode = special::plain) const {
    if (text.size() >= max_text)
      fail<config_error>("encode: text", "less than 1 GiB", concat(text.size(), " bytes"));
    std::vector<token_id> ids;
    word_cache cache;
    pair_merger merger;
    const auto encode = [&](std::string_view word, std::vector<token_id>& out) {
      state_->encode_word(word, merger, out);
    };
    for (const text_fragment& part : state_->specials.split(text, mode)) {
      if (part.token != no_token) {
        ids.push_back(part.token);
      } else {
        state_->words.for_each_word(
            part.text, [&](std::string_view word) { cache.append(word, ids, encode); });
      }
    }
    return ids;
  }

  /// Bytes that `token` stands for: nothing for control tokens.
  [[nodiscard]] std::string_view piece(token_id token) const {
    return state_->pieces[state_->table.checked(token)];
  }
  /// The same as `piece`: no space was added in front of a text.
  [[nodiscard]] std::string_view leading_piece(token_id token) const { return piece(token); }

  [[nodiscard]] std::size_t n_vocab() const noexcept { return state_->table.n_vocab(); }
  [[nodiscard]] token_id bos() const noexcept { return vocab().bos; }
  [[nodiscard]] token_id eos() const noexcept { return vocab().eos; }
  [[nodiscard]] bool add_bos() const noexcept { return vocab().add_bos; }
  [[nodiscard]] bool add_eos() const noexcept { return vocab().add_eos; }
  [[nodiscard]] bool is_control(token_id token) const {
    return state_->table.kind(token) == token_kind::control;
  }
  [[nodiscard]] bool is_end(token_id token) const { return state_->table.is_end(token); }
  [[nodiscard]] token_id find_special(std::string_view text) const noexcept {
    return state_->specials.find(text);
  }
  [[nodiscard]] const vocabulary& vocab() const noexcept { return state_->table.source(); }

 private:
  static constexpr std::size_t max_text = std::size_t{1} << 30;

  struct state {
    explicit state(vocabulary source);
    void read_merges();
    std::int32_t symbol_of(std::string_view bytes);
    void encode_word(std::string_view word, pair_merger& merger, std::vector<token_id>& ids) const;

    token_table table;
    pre_tokenizer words;
    special_matcher specials;
    std::vector<std::string> pieces;  // (n_vocab) decoded
    string_index index;               // bytes of the symbols: ids of tokens, then of `extra`
    std::deque<std::string> extra;    // symbols that merges name and that are no tokens
    pair_index merges;
    std::array<std::int32_t, 256> bytes{};  // symbol of every byte
  };

  std::shared_ptr<const state> state_;
};

static_assert(tokenizer<byte_level_tokenizer>);

inline byte_level_tokenizer::state::state(vocabulary source)
    : table(std::move(source)),
      words(pre_tokenizer_by_name(table.source().pre_tokenizer)),
      index(table.n_vocab() + 256),
      merges(table.source().merges.size()) {
  const vocabulary& vocab = table.source();
  pieces.resize(vocab.tokens.size());
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const auto id = static_cast<token_id>(i);
    const std::string& text = vocab.tokens[i];
    switch (vocab.kinds[i]) {
      case token_kind::control:
      case token_kind::unknown:
        specials.add(text, id, special::parse);
        break;
      case token_kind::user_defined:
        pieces[i] = text;
        specials.add(text, id, special::plain);
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
  for (int byte = 0; byte < 256; ++byte)
    bytes[byte] = symbol_of(std::string(1, static_cast<char>(byte)));
  read_merges();
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
  for (const char c : word) merger.add(1, bytes[static_cast<unsigned char>(c)]);
  using symbol = pair_merger::symbol;
  merger.merge(
      [&](const symbol& left, const symbol& right) { return merges.find(left.id, right.id); });
  merger.for_each([&](const symbol& one) {
    if (one.id < n_vocab) {
      ids.push_back(one.id);
      return;
    }
    for (const char c : word.substr(one.begin, one.length)) {
      const std::int32_t byte = bytes[static_cast<unsigned char>(c)];
      if (byte < n_vocab) ids.push_back(byte);
    }
  });
}

}  // namespace quipu::text

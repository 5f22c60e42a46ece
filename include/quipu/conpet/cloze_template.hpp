/// @file The paper's template: entities between marks, and a mask whose state is classified.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/conpet/text_template.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::conpet {

/// ConPET's cloze for relations, "... <0x00> head <0x01> ... <0x02> tail <0x03> ... In this sentence, tail is the <0x05> of head." and for
/// entities, "... <0x00> head <0x01> ... In this sentence, head is a <0x05>."; BOS in front and EOS at the end where the tokenizer has
/// them. The marks are the tokens of the bytes 0 to 3, the mask that of byte 5, as ConPET's code has them for LLaMA
/// (`kernel/initialize.py`); byte-level vocabularies have tokens of single bytes too, which serve as well. A sentence that is too long is
/// cut to a window round its entities, or round each of them where they are too far apart; suffix, marks and mask stay.
struct cloze {
  using policy_role = role::text_template;

  [[nodiscard]] static std::string identity() { return "cloze"; }

  /// @throws config_error  a text without entities, or with entities one inside the other; a vocabulary without tokens of single bytes; no
  ///                       room for a suffix and both entities' marks
  template <class Tokenizer>
  [[nodiscard]] encoded_text encode(const Tokenizer& tokenizer, const data::labelled_text& one, std::size_t n_longest) const {
    detail::check_encodable(one.text);
    if (!one.head) fail<config_error>("cloze: text", "entities that it is about", "none");
    const auto marks = std::array{byte_token(tokenizer, 0), byte_token(tokenizer, 1), byte_token(tokenizer, 2), byte_token(tokenizer, 3)};
    const token_id mask = byte_token(tokenizer, 5);
    const pieces p(tokenizer);

    // The sentence, with the spans of both entities and their marks.
    struct entity {
      const data::mention* where;
      std::size_t mark;         // of its beginning
      std::size_t first, last;  // tokens, marks included
    };
    std::vector<entity> entities{{&*one.head, 0, 0, 0}};
    if (one.tail) entities.push_back({&*one.tail, 2, 0, 0});
    if (one.tail && one.tail->begin < one.head->begin) std::swap(entities[0], entities[1]);
    std::vector<token_id> ids;
    std::size_t at = 0;
    for (entity& e : entities) {
      if (e.where->begin < at) fail<config_error>("cloze: entities", "one after the other", "one inside the other");
      detail::append(ids, p(one.text.substr(at, e.where->begin - at)));
      e.first = ids.size();
      ids.push_back(marks[e.mark]);
      detail::append(ids, p(one.text.substr(e.where->begin, e.where->end - e.where->begin)));
      ids.push_back(marks[e.mark + 1]);
      e.last = ids.size();
      at = e.where->end;
    }
    detail::append(ids, p(one.text.substr(at)));

    std::vector<token_id> suffix = p(one.tail ? concat(" In this sentence, ", one.tail->name, " is the")
                                              : concat(" In this sentence, ", one.head->name, " is a"));
    const std::size_t mask_at = suffix.size();
    suffix.push_back(mask);
    detail::append(suffix, p(one.tail ? concat(" of ", one.head->name, ".") : std::string(".")));

    encoded_text out;
    detail::begin_tokens(tokenizer, out.tokens);
    const bool ends = tokenizer.eos() != no_token;
    const std::size_t limit = detail::room("cloze", n_longest, out.tokens.size() + suffix.size() + (ends ? 1 : 0));
    if (ids.size() > limit) ids = window(ids, entities.front().first, entities.back().last, limit, entities.front().last, entities.back().first);
    detail::append(out.tokens, ids);
    out.marked = out.tokens.size() + mask_at;
    detail::append(out.tokens, suffix);
    if (ends) out.tokens.push_back(tokenizer.eos());
    return out;
  }

 private:
  // Stretches of a text that are encoded apart: tokenizers that put a blank in front of what they encode get none from us.
  template <class Tokenizer>
  struct pieces {
    const Tokenizer& tokenizer;
    explicit pieces(const Tokenizer& t) : tokenizer(t), adds_blank(t.encode("a", special::plain) == t.encode(" a", special::plain)) {}
    bool adds_blank;

    [[nodiscard]] std::vector<token_id> operator()(std::string_view text) const {
      const bool blank = adds_blank && !text.empty() && text.front() == ' ';
      if (blank) text.remove_prefix(1);
      return text.empty() ? std::vector<token_id>() : tokenizer.encode(text, special::plain);
    }
  };

  template <class Tokenizer>
  [[nodiscard]] static token_id byte_token(const Tokenizer& tokenizer, char byte) {
    const std::string_view wanted(&byte, 1);
    const auto ids = tokenizer.encode(wanted, special::plain);
    if (ids.empty() || tokenizer.piece(ids.back()) != wanted)
      fail<config_error>("cloze: vocabulary", "tokens of single bytes, for marks and mask", concat("none of byte ", static_cast<int>(byte)));
    return ids.back();
  }

  /// `limit` tokens of a sentence that hold the span [first, last), or its two ends [first, middle) and [other, last) where it is too long.
  /// Source: ConPET's `preprocess`, section 2.3 of our notes: half of what is left goes to each side.
  [[nodiscard]] static std::vector<token_id> window(const std::vector<token_id>& ids, std::size_t first, std::size_t last, std::size_t limit,
                                                    std::size_t middle, std::size_t other) {
    const auto part = [&](std::size_t from, std::size_t to) {
      return std::vector<token_id>(ids.begin() + static_cast<std::ptrdiff_t>(from), ids.begin() + static_cast<std::ptrdiff_t>(to));
    };
    if (last - first <= limit) {
      const std::size_t remain = limit - (last - first);
      if (2 * first < remain) return part(0, limit);
      if (2 * (ids.size() - last) < remain) return part(ids.size() - limit, ids.size());
      const std::size_t from = first - (remain + 1) / 2;
      return part(from, from + limit);
    }
    const std::size_t half = limit / 2, rest = limit - half;
    if (middle - first > half || last - other > rest)
      fail<config_error>("cloze: tokens of a text", concat("room for its entities, ", (middle - first) + (last - other)), limit);
    std::vector<token_id> out = window(part(0, other), first, middle, std::min(half, other), middle, first);
    detail::append(out, window(part(middle, ids.size()), other - middle, last - middle, std::min(limit - out.size(), ids.size() - middle),
                               last - middle, other - middle));
    return out;
  }
};

}  // namespace quipu::conpet

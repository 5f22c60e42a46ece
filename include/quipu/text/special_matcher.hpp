/// @file Finds the tokens that are matched in a text as a whole, in llama.cpp's order or in Hugging Face's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <quipu/core/token.hpp>
#include <quipu/text/character_class.hpp>  // white space, word characters
#include <quipu/text/flat_index.hpp>       // string_index
#include <quipu/text/special_places.hpp>
#include <quipu/text/text_rules.hpp>       // token_matching
#include <quipu/text/token_automaton.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quipu::text {

/// A part of a text: a token matched as a whole, or `no_token` and bytes still to be encoded.
struct text_fragment {
  std::string_view text;
  token_id token = no_token;
};

/// A token that is matched as a whole. Of `manners` its flags count, not its token.
struct special_token {
  std::string_view text;
  token_id token = no_token;
  special needed = special::plain;
  added_token manners{};
};

/// The tokens that are cut out of a text before anything else happens.
///
/// * `longest_first`: a longer token wins over a shorter one wherever they overlap, then the smaller id, then the
///   position further left, as llama.cpp cuts the text at one token after the other (`tokenizer_st_partition`). ASCII
///   white space beside a token with `lstrip` or `rstrip` vanishes.
/// * `leftmost_longest`: what begins first wins, and of those the longest; then the flags hold: white space beside a
///   token goes to it, a token that must be a single word and is not stays text. Source: `find_matches` of Hugging
///   Face's tokenizers (`added_vocabulary.rs`).
///
/// Immutable; time is linear in the text, with a logarithm of the tokens' nesting for `longest_first`.
class special_matcher {
 public:
  special_matcher() = default;
  /// @param tokens  their texts live at least as long as the matcher; empty texts are never matched
  explicit special_matcher(std::vector<special_token> tokens, token_matching rule = token_matching::longest_first)
      : tokens_(std::move(tokens)), rule_(rule), index_(tokens_.size()) {
    std::erase_if(tokens_, [](const special_token& one) { return one.text.empty(); });
    // Of equal texts the first counts, so smaller ids first.
    std::stable_sort(tokens_.begin(), tokens_.end(),
                     [](const special_token& a, const special_token& b) { return a.token < b.token; });
    for (std::size_t i = tokens_.size(); i-- > 0;) index_.insert(tokens_[i].text, static_cast<std::int32_t>(i));
    all_ = built(special::parse);
    // llama.cpp leaves control tokens out of its list; Hugging Face finds them and then drops the match.
    const bool same = rule_ == token_matching::leftmost_longest ||
                      std::none_of(tokens_.begin(), tokens_.end(),
                                   [](const special_token& one) { return one.needed == special::parse; });
    plain_ = same ? all_ : built(special::plain);
  }

  /// Token whose text is exactly `text`, or `no_token`; control tokens included.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    const std::int32_t found = index_.find(text);
    return found == string_index::absent ? no_token : tokens_[static_cast<std::size_t>(found)].token;
  }
  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }

  /// Cuts `text` at the tokens in it. Parts are in order; together they are `text`, except with `rstrip`, where a token
  /// may have taken white space that is a token too.
  ///
  /// @param offset  of `text` in the text that `where` speaks of
  [[nodiscard]] std::vector<text_fragment> split(std::string_view text, const special_places& where,
                                                 std::size_t offset = 0) const {
    std::vector<text_fragment> parts;
    if (rule_ == token_matching::leftmost_longest) {
      if (!all_->automaton.empty())
        split_leftmost(text, where, offset, parts);
      else if (!text.empty()) parts.push_back({text, no_token});
      return parts;
    }
    const auto allowed = [&](const special_token& token, std::size_t begin) {
      return token.needed == special::plain || where.allow(offset + begin, offset + begin + token.text.size());
    };
    std::size_t done = 0;
    for (const match& one : longest_matches(where.nowhere() ? *plain_ : *all_, text, allowed)) {
      const special_token& token = tokens_[static_cast<std::size_t>(one.token)];
      std::size_t end = std::max(one.begin, done);
      while (token.manners.lstrip && end > done && is_ascii_space(text[end - 1])) --end;
      if (end > done) parts.push_back({text.substr(done, end - done), no_token});
      parts.push_back({text.substr(one.begin, token.text.size()), token.token});
      done = one.begin + token.text.size();
      while (token.manners.rstrip && done < text.size() && is_ascii_space(text[done])) ++done;
    }
    if (done < text.size()) parts.push_back({text.substr(done), no_token});
    return parts;
  }

 private:
  // llama.cpp's `isspace`.
  static constexpr bool is_ascii_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

  struct list {
    token_automaton automaton;
    std::vector<std::int32_t> members;  // pattern of the automaton: place in `tokens_`
  };
  struct match {
    std::size_t begin;
    std::int32_t token;  // pattern of an automaton, at the end place in `tokens_`
  };

  [[nodiscard]] std::shared_ptr<const list> built(special mode) const {
    auto made = std::make_shared<list>();
    list& target = *made;
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].needed == special::parse && mode == special::plain) continue;
      texts.push_back(tokens_[i].text);
      target.members.push_back(static_cast<std::int32_t>(i));
    }
    if (!texts.empty()) target.automaton = token_automaton(texts);
    return made;
  }

  // Every place asks for its longest token, the longest tokens of the text first and equally long ones by id. Who is
  // refused because a token lies behind asks again for the longest one that ends before it.
  template <class Allowed>
  [[nodiscard]] std::vector<match> longest_matches(const list& from, std::string_view text, const Allowed& allowed) const {
    std::vector<match> kept;
    if (from.automaton.empty()) return kept;
    const token_automaton& automaton = from.automaton;
    std::vector<match> heap;
    const auto token_of = [&](std::int32_t pattern) -> const special_token& {
      return tokens_[static_cast<std::size_t>(from.members[static_cast<std::size_t>(pattern)])];
    };
    const auto longest_allowed = [&](std::int32_t pattern, std::size_t begin) {
      while (pattern != token_automaton::none && !allowed(token_of(pattern), begin)) {
        pattern = automaton.at_most(pattern, automaton.length(pattern) - 1);
      }
      return pattern;
    };
    automaton.for_each_start(text, [&](std::size_t begin, std::int32_t pattern) {
      pattern = longest_allowed(pattern, begin);
      if (pattern != token_automaton::none) heap.push_back({begin, pattern});
    });
    if (heap.empty()) return kept;
    const auto later = [&](const match& a, const match& b) {
      const std::size_t x = automaton.length(a.token);
      const std::size_t y = automaton.length(b.token);
      if (x != y) return x < y;
      return a.token != b.token ? a.token > b.token : a.begin > b.begin;
    };
    std::make_heap(heap.begin(), heap.end(), later);
    // Begin of the token over each letter, plus one; 0 where there is none.
    std::vector<std::uint32_t> taken(heap.size() == 1 ? 0 : text.size());
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), later);
      match one = heap.back();
      heap.pop_back();
      const std::size_t length = automaton.length(one.token);
      if (!taken.empty()) {
        // Tokens that lie there are at least as long, so a clash shows at either end.
        if (taken[one.begin] != 0) continue;
        if (const std::uint32_t other = taken[one.begin + length - 1]; other != 0) {
          one.token = longest_allowed(automaton.at_most(one.token, other - 1 - one.begin), one.begin);
          if (one.token == token_automaton::none) continue;
          heap.push_back(one);
          std::push_heap(heap.begin(), heap.end(), later);
          continue;
        }
        std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(one.begin), length,
                    static_cast<std::uint32_t>(one.begin + 1));
      }
      kept.push_back(one);
    }
    for (match& one : kept) one.token = from.members[static_cast<std::size_t>(one.token)];
    std::sort(kept.begin(), kept.end(), [](const match& a, const match& b) { return a.begin < b.begin; });
    return kept;
  }

  void split_leftmost(std::string_view text, const special_places& where, std::size_t offset,
                      std::vector<text_fragment>& parts) const {
    std::vector<match> starts;  // from the last to the first
    all_->automaton.for_each_start(text, [&](std::size_t begin, std::int32_t pattern) {
      starts.push_back({begin, all_->members[static_cast<std::size_t>(pattern)]});
    });
    std::size_t searched = 0;       // where the search goes on
    std::size_t done = 0;           // where the text begins that no part holds yet
    std::size_t blank_begin = 0;    // a run of white space whose end is known, so that it is read once
    std::size_t blank_end = 0;
    for (std::size_t i = starts.size(); i-- > 0;) {
      std::size_t begin = starts[i].begin;
      if (begin < searched) continue;
      const special_token& token = tokens_[static_cast<std::size_t>(starts[i].token)];
      std::size_t end = begin + token.text.size();
      searched = end;
      if (token.needed == special::parse && !where.allow(offset + begin, offset + end)) continue;
      if (token.manners.single_word && !stands_alone(text, begin, end)) continue;
      if (token.manners.lstrip) begin = std::max(white_space_begin(text, begin, std::min(begin, done)), done);
      if (token.manners.rstrip) {
        if (end < blank_begin || end >= blank_end) {
          blank_begin = end;
          blank_end = white_space_end(text, end);
        }
        end = std::max(end, blank_end);
      }
      if (done < begin) parts.push_back({text.substr(done, begin - done), no_token});
      // Of a token whose white space another one took nothing is left, and tokenizers drops it.
      if (begin < end) parts.push_back({text.substr(begin, end - begin), token.token});
      done = std::max(end, begin);
    }
    if (done < text.size()) parts.push_back({text.substr(done), no_token});
  }

  [[nodiscard]] static bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) noexcept {
    const auto is_word = [](const utf8_step& step) {
      return step.status == utf8_status::valid && is_word_character(step.code_point);
    };
    return (begin == 0 || !is_word(decode_utf8_before(text, begin))) &&
           (end == text.size() || !is_word(decode_utf8(text, end)));
  }

  std::vector<special_token> tokens_;
  token_matching rule_ = token_matching::longest_first;
  string_index index_;
  std::shared_ptr<const list> all_ = std::make_shared<const list>();  // large; one object if no token is control
  std::shared_ptr<const list> plain_ = all_;
};

}  // namespace quipu::text

/// @file Generation that never says some phrases: a sampling step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::llama {

namespace detail {

/// Whether a phrase stands in `text` from `begin` on or reaches there, not as a part of a longer word: "no" is none of "know".
[[nodiscard]] inline bool says_phrase(std::string_view text, std::string_view phrase, std::size_t begin) {
  const auto is_word = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  for (std::size_t at = text.find(phrase); at != std::string_view::npos; at = text.find(phrase, at + 1)) {
    const std::size_t end = at + phrase.size();
    if (end <= begin) continue;
    const bool goes_before = at > 0 && is_word(text[at - 1]) && is_word(phrase.front());
    const bool goes_on = end < text.size() && is_word(text[end]) && is_word(phrase.back());
    if (!goes_before && !goes_on) return true;
  }
  return false;
}

}  // namespace detail

/// Leaves out tokens that would complete one of the phrases in what was generated; where nothing else is left, all stay.
/// Other texts are not changed: the best token stays the best wherever it completes none.
///
/// @param phrases   as they are spelled; empty ones count as none
/// @param n_prompt  tokens of the history that come before what is generated
template <text::tokenizer Tokenizer>
[[nodiscard]] sampling_step avoid_phrases(Tokenizer tokenizer, std::vector<std::string> phrases, std::size_t n_prompt) {
  std::erase_if(phrases, [](const std::string& p) { return p.empty(); });
  std::size_t n_longest = 0;
  for (const std::string& p : phrases) n_longest = std::max(n_longest, p.size());
  return [tokenizer = std::move(tokenizer), phrases = std::move(phrases), n_prompt, n_longest](
             std::vector<candidate>& candidates, std::span<const token_id> history) {
    std::string tail;  // as much of the text as a phrase may have begun in, and what stands before it
    for (std::size_t i = history.size(); i > n_prompt && tail.size() < n_longest; --i)
      tail.insert(0, tokenizer.piece(history[i - 1]));
    const auto completes = [&](const candidate& c) {
      const std::string_view piece = tokenizer.piece(c.token);
      if (piece.empty()) return false;
      const std::string text = tail + std::string(piece);
      return std::any_of(phrases.begin(), phrases.end(),
                         [&](const std::string& p) { return detail::says_phrase(text, p, tail.size()); });
    };
    std::vector<candidate> left;
    std::remove_copy_if(candidates.begin(), candidates.end(), std::back_inserter(left), completes);
    if (!left.empty()) candidates = std::move(left);
  };
}

/// Options under which none of the phrases is said; the same options if there are none.
template <text::tokenizer Tokenizer>
[[nodiscard]] generate_options without_phrases(generate_options options, const Tokenizer& tokenizer,
                                               const std::vector<std::string>& phrases, std::size_t n_prompt) {
  if (!phrases.empty()) options.sampler = options.sampler.after(avoid_phrases(tokenizer, phrases, n_prompt));
  return options;
}

}  // namespace quipu::llama

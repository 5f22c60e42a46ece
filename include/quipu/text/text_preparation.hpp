/// @file Cuts the added tokens out of a text and normalizes what lies between them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/flat_index.hpp>  // string_index
#include <quipu/text/normalizer.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// What every tokenizer does first. Added tokens are sought in the text as it is, then what lies between them is
/// normalized, then the added tokens that are `normalized` are sought in that, as their own normalized text.
/// Source: `AddedVocabulary::extract_and_normalize` of Hugging Face's tokenizers. Immutable.
class text_preparation {
 public:
  text_preparation() = default;
  /// @param vocab   its manners of tokens, matching and normalizers hold
  /// @param tokens  their texts outlive this; `manners` are taken from `vocab`
  /// @throws config_error  PCRE2 refuses an expression
  /// @throws format_error  a normalized token of which nothing is left, or the same as of another
  text_preparation(const vocabulary& vocab, std::vector<special_token> tokens) : change_(vocab.normalizers) {
    std::vector<added_token> manners(vocab.tokens.size());
    for (const added_token& one : vocab.added) manners.at(static_cast<std::size_t>(one.token)) = one;
    std::vector<special_token> late;
    std::vector<special_token> early;
    for (special_token& one : tokens) {
      one.manners = manners.at(static_cast<std::size_t>(one.token));
      if (one.manners.normalized && !change_.empty()) {
        bool ignored = false;
        late.push_back(one);
        late.back().text = normalized_texts_.emplace_back(change_(one.text, ignored));
        check_normalized(late.back(), one.text);
      } else {
        (one.manners.normalized ? late : early).push_back(one);
      }
    }
    raw_ = special_matcher(std::move(early), vocab.matching);
    normalized_ = special_matcher(std::move(late), vocab.matching);
    tokens_ = std::move(tokens);
    names_ = string_index(tokens_.size());
    for (std::size_t i = tokens_.size(); i-- > 0;) names_.insert(tokens_[i].text, tokens_[i].token);
  }
  text_preparation(const text_preparation&) = delete;
  text_preparation& operator=(const text_preparation&) = delete;

  /// Token of exactly this text, or `no_token`.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    return text.empty() ? no_token : names_.find(text);
  }

  /// Calls `on_token(token)` and `on_text(std::string_view, bool at_start)` for the parts of `text` in order.
  /// @param kept  gets the texts that parts point into and that are not `text`
  template <class OnToken, class OnText>
  void for_each(std::string_view text, const special_places& where, std::list<std::string>& kept, const OnToken& on_token,
                const OnText& on_text) const {
    for (const text_fragment& part : raw_.split(text, where)) {
      if (part.token != no_token) {
        on_token(part.token);
        continue;
      }
      const bool at_start = part.text.data() == text.data();
      if (change_.empty() && normalized_.empty()) {
        on_text(part.text, at_start);
        continue;
      }
      bool front_lost = false;
      const std::string_view changed = change_.empty() ? part.text : kept.emplace_back(change_(part.text, front_lost));
      // Where the text changed, places in it are lost: it is trusted as a whole or not at all.
      const auto offset = static_cast<std::size_t>(part.text.data() - text.data());
      const bool trusted = where.allow(offset, offset + part.text.size());
      const special_places inside = change_.empty() ? where : trusted ? special::parse : special::plain;
      for (const text_fragment& inner : normalized_.split(changed, inside, change_.empty() ? offset : 0)) {
        if (inner.token != no_token) {
          on_token(inner.token);
        } else {
          on_text(inner.text, at_start && !front_lost && inner.text.data() == changed.data());
        }
      }
    }
  }

 private:
  // A text that nothing is left of would match everywhere, one that two tokens share would have two ids.
  void check_normalized(const special_token& one, std::string_view content) {
    const char* wrong = one.text.empty() ? "none is left" : nullptr;
    if (normalized_names_.find(one.text) != string_index::absent) wrong = "the text of another token";
    if (wrong != nullptr) {
      fail<format_error>(concat("vocabulary: normalized text of the added token ", printable(content)),
                         "a text of its own (or added_tokens.normalized false)", wrong);
    }
    normalized_names_.insert(one.text, one.token);
  }

  normalizer change_;
  string_index normalized_names_{0};
  std::deque<std::string> normalized_texts_;
  special_matcher raw_;
  special_matcher normalized_;
  std::vector<special_token> tokens_;
  string_index names_{0};
};

}  // namespace quipu::text

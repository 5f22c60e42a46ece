/// @file A checked vocabulary with what both kinds of tokenizer look up in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/token.hpp>
#include <quipu/text/special_matcher.hpp>
#include <quipu/text/vocabulary.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quipu::text {

/// Texts of the tokens that end a turn or a document in the chat formats of LLaMA's family. Files
/// often fail to mark them; like llama.cpp we take them as control tokens whatever the file says.
inline constexpr std::array<std::string_view, 10> end_token_texts = {
    "</s>",          "<|eot_id|>", "<|eom_id|>",    "<|im_end|>", "<|end_of_text|>",
    "<|endoftext|>", "<|end|>",    "<end_of_turn>", "<EOT>",      "[EOS]"};

/// Texts of the tokens that begin a turn. If a file calls one user-defined it is a control token
/// all the same: otherwise a message could write it.
inline constexpr std::array<std::string_view, 3> turn_token_texts = {
    "<|im_start|>", "<|start_header_id|>", "<|end_header_id|>"};

/// A vocabulary whose sizes and ids are known to be right. Immutable; views point into it, so it
/// stays where it was made.
class token_table {
 public:
  /// @throws format_error  sizes differ, an id is out of range, or there are no tokens
  explicit token_table(vocabulary source) : source_(std::move(source)) {
    const std::size_t n_vocab = source_.tokens.size();
    if (n_vocab == 0) fail<format_error>("vocabulary: tokens", "at least one", "none");
    if (n_vocab > static_cast<std::size_t>(std::numeric_limits<token_id>::max())) {
      fail<format_error>("vocabulary: tokens", "fewer than 2^31", n_vocab);
    }
    if (source_.kinds.empty()) source_.kinds.assign(n_vocab, token_kind::normal);
    if (source_.kinds.size() != n_vocab) {
      fail<format_error>("vocabulary: kinds", concat(n_vocab, ", one a token"),
                         source_.kinds.size());
    }
    check_id("bos", source_.bos);
    check_id("eos", source_.eos);
    check_id("unk", source_.unk);
    check_id("pad", source_.pad);
    ends_.assign(n_vocab, false);
    for (std::size_t i = 0; i < n_vocab; ++i) {
      token_kind& kind = source_.kinds[i];
      const auto is_one_of = [&](const auto& texts) {
        return std::find(texts.begin(), texts.end(), source_.tokens[i]) != texts.end();
      };
      if (source_.tokens[i].size() > std::numeric_limits<std::uint32_t>::max() / 4) {
        fail<format_error>(concat("vocabulary: token ", i), "fewer than 2^30 bytes",
                           source_.tokens[i].size());
      }
      const bool known = kind >= token_kind::normal && kind <= token_kind::byte;
      if (!known)
        fail<format_error>(concat("vocabulary: kind of token ", i), "1 to 6",
                           static_cast<int>(kind));
      if (is_one_of(end_token_texts)) {
        // A tokenizer.json lists the tokens that are matched as a whole; what it does not list is spelled.
        const bool listed = source_.matching != token_matching::leftmost_longest || kind == token_kind::user_defined;
        if (listed) kind = token_kind::control;
        ends_[i] = true;
      } else if (kind == token_kind::user_defined && is_one_of(turn_token_texts)) {
        kind = token_kind::control;
      }
    }
    if (source_.eos != no_token) ends_[source_.eos] = true;
    for (const token_id end : std::exchange(source_.end_tokens, {})) {
      check_id("end tokens", end);
      if (end != no_token) ends_[end] = true;
    }
    for (std::size_t i = 0; i < n_vocab; ++i) {
      if (ends_[i]) source_.end_tokens.push_back(static_cast<token_id>(i));
    }
  }
  token_table(const token_table&) = delete;
  token_table& operator=(const token_table&) = delete;

  [[nodiscard]] const vocabulary& source() const noexcept { return source_; }
  [[nodiscard]] std::size_t n_vocab() const noexcept { return source_.tokens.size(); }

  [[nodiscard]] token_kind kind(token_id token) const { return source_.kinds[checked(token)]; }
  [[nodiscard]] const std::string& text(token_id token) const {
    return source_.tokens[checked(token)];
  }
  [[nodiscard]] bool is_end(token_id token) const { return ends_[checked(token)]; }

  /// @throws config_error  the id names no token
  [[nodiscard]] std::size_t checked(token_id token) const {
    if (token < 0 || static_cast<std::size_t>(token) >= n_vocab()) {
      fail<config_error>("tokenizer: token id", concat("0 to ", n_vocab() - 1), token);
    }
    return static_cast<std::size_t>(token);
  }

 private:
  void check_id(const char* name, token_id id) const {
    if (id < no_token || (id >= 0 && static_cast<std::size_t>(id) >= source_.tokens.size())) {
      fail<format_error>(concat("vocabulary: ", name),
                         concat("an id below ", source_.tokens.size(), " or -1"), id);
    }
  }

  vocabulary source_;
  std::vector<bool> ends_;  // (n_vocab)
};

}  // namespace quipu::text

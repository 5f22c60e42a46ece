/// @file Finds the tokens that are matched in a text as a whole, longest first.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <quipu/core/token.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::text {

/// May control tokens be found in a text?
enum class special : std::uint8_t {
  plain,  ///< no: "<s>" in a text is three characters; the choice for anything that a user typed
  parse,  ///< yes: the text is trusted, for example a rendered chat template
};

/// A part of a text: a token matched as a whole, or `no_token` and bytes still to be encoded.
struct text_fragment {
  std::string_view text;
  token_id token = no_token;
};

/// The tokens that are cut out of a text before anything else happens. A longer token wins over a
/// shorter one wherever they overlap, then the smaller id, then the position further left, as in
/// llama.cpp.
class special_matcher {
 public:
  /// @param text  lives at least as long as the matcher; empty texts are never matched
  void add(std::string_view text, token_id token, special needed) {
    if (text.empty()) return;
    by_first_byte_[static_cast<unsigned char>(text.front())].push_back({text, token, needed});
    ++size_;
  }

  /// Token whose text is exactly `text`, or `no_token`; control tokens included.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    if (text.empty()) return no_token;
    for (const entry& one : by_first_byte_[static_cast<unsigned char>(text.front())]) {
      if (one.text == text) return one.token;
    }
    return no_token;
  }

  /// Cuts `text` at the tokens in it. Parts are in order, none is empty, together they are `text`.
  [[nodiscard]] std::vector<text_fragment> split(std::string_view text, special mode) const {
    std::vector<match> matches = size_ == 0 ? std::vector<match>{} : matches_in(text, mode);
    std::vector<text_fragment> parts;
    std::size_t done = 0;
    for (const match& one : matches) {
      if (one.begin > done) parts.push_back({text.substr(done, one.begin - done), no_token});
      parts.push_back({text.substr(one.begin, one.length), one.token});
      done = one.begin + one.length;
    }
    if (done < text.size()) parts.push_back({text.substr(done), no_token});
    return parts;
  }

 private:
  struct entry {
    std::string_view text;
    token_id token;
    special needed;
  };
  struct match {
    std::size_t begin;
    std::size_t length;
    token_id token;
  };

  [[nodiscard]] std::vector<match> matches_in(std::string_view text, special mode) const {
    std::vector<match> found;
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const entry& one : by_first_byte_[static_cast<unsigned char>(text[at])]) {
        if (one.needed == special::parse && mode == special::plain) continue;
        if (text.compare(at, one.text.size(), one.text) == 0)
          found.push_back({at, one.text.size(), one.token});
      }
    }
    if (found.size() < 2) return found;
    std::sort(found.begin(), found.end(), [](const match& a, const match& b) {
      if (a.length != b.length) return a.length > b.length;
      return a.token != b.token ? a.token < b.token : a.begin < b.begin;
    });
    // Accepted matches are at least as long as later ones, so a clash shows at either end.
    std::vector<bool> taken(text.size());
    std::vector<match> kept;
    for (const match& one : found) {
      if (taken[one.begin] || taken[one.begin + one.length - 1]) continue;
      std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(one.begin), one.length, true);
      kept.push_back(one);
    }
    std::sort(kept.begin(), kept.end(),
              [](const match& a, const match& b) { return a.begin < b.begin; });
    return kept;
  }

  std::array<std::vector<entry>, 256> by_first_byte_;
  std::size_t size_ = 0;
};

}  // namespace quipu::text

/// @file Ids of the words that one call to `encode` has met, so that a repeated word costs one
/// look-up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <quipu/core/token.hpp>
#include <quipu/text/flat_index.hpp>  // string_index
#include <string_view>
#include <vector>

namespace quipu::text {

/// Lives in one call, so tokenizers stay const and need no lock. Words are views into the caller's
/// text.
class word_cache {
 public:
  /// Appends the ids of `word` to `out`; `encode(word, out)` computes them if they are not
  /// known.
  template <class Encode>
  void append(std::string_view word, std::vector<token_id>& out, const Encode& encode) {
    const std::int32_t known = index_.find(word);
    if (known != string_index::absent) {
      const span_of_ids range = ranges_[known];
      for (std::size_t i = range.begin; i < range.end; ++i) out.push_back(out[i]);
      return;
    }
    const std::size_t begin = out.size();
    encode(word, out);
    if (word.size() > longest) return;
    index_.insert(word, static_cast<std::int32_t>(ranges_.size()));
    ranges_.push_back({begin, out.size()});
  }

 private:
  // Longer words hardly ever repeat, and hashing them would read them once more.
  static constexpr std::size_t longest = 64;
  struct span_of_ids {
    std::size_t begin;  // of the word's first occurrence in `out`
    std::size_t end;
  };
  string_index index_;
  std::vector<span_of_ids> ranges_;
};

}  // namespace quipu::text

/// @file Cuts text into the words that byte-level BPE encodes one by one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/compiled_pattern.hpp>
#include <quipu/text/pre_tokenizer_names.hpp>
#include <quipu/text/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::text {

/// Bytes at the front of `text` that are no character, a run of them.
[[nodiscard]] inline std::size_t invalid_utf8_prefix(std::string_view text) noexcept {
  std::size_t bad = 0;
  while (bad < text.size()) {
    const utf8_step step = decode_utf8(text, bad);
    if (step.status == utf8_status::valid) break;
    bad += step.length;
  }
  return bad;
}

/// The patterns of one name, compiled. Const and usable by several threads at once; copies share them.
class pre_tokenizer {
 public:
  /// @throws config_error  PCRE2 refuses a pattern, for example because it was built without Unicode
  explicit pre_tokenizer(pre_tokenizer_kind kind) {
    const std::vector<std::string> patterns = pre_tokenizer_patterns(kind);
    const match_place place = patterns.size() == 1 ? match_place::here : match_place::anywhere;
    for (const std::string& pattern : patterns) passes_.emplace_back(pattern, place, "pre-tokenizer");
  }

  /// Calls `visit(std::string_view word)` for the words of `text` in order; together they are `text`. Bytes that are
  /// not UTF-8 are words of their own, one for each run, and end the text before them.
  /// @throws std::bad_alloc
  template <class Visit>
  void for_each_word(std::string_view text, const Visit& visit) const {
    const match_space first = passes_.front().space();
    std::vector<match_space> spaces;
    for (std::size_t i = 0; passes_.size() > 1 && i < passes_.size(); ++i) spaces.push_back(passes_[i].space());
    while (!text.empty()) {
      const std::size_t valid = valid_utf8_prefix(text);
      if (passes_.size() == 1) {
        cut_whole(text.substr(0, valid), first, visit);
      } else {
        cut(text.substr(0, valid), 0, spaces, visit);
      }
      text.remove_prefix(valid);
      const std::size_t bad = invalid_utf8_prefix(text);
      if (bad > 0) visit(text.substr(0, bad));
      text.remove_prefix(bad);
    }
  }

 private:
  template <class Visit>
  void cut_whole(std::string_view text, const match_space& space, const Visit& visit) const {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t begin = 0;
      std::size_t end = at;
      // Every character starts a match of every pattern; should a limit of PCRE2 be met all the same, the rest of the
      // text is one word rather than lost.
      if (!passes_.front().find(text, at, space, begin, end) || end <= at) end = text.size();
      visit(text.substr(at, end - at));
      at = end;
    }
  }

  // Matches of one pass and what lies between them, each cut by the passes after it.
  template <class Visit>
  void cut(std::string_view text, std::size_t pass, const std::vector<match_space>& spaces, const Visit& visit) const {
    if (text.empty()) return;
    if (pass == passes_.size()) return visit(text);
    std::size_t done = 0;
    for (std::size_t begin = 0, end = 0; done < text.size();) {
      if (!passes_[pass].find(text, done, spaces[pass], begin, end) || end <= begin) break;
      cut(text.substr(done, begin - done), pass + 1, spaces, visit);
      cut(text.substr(begin, end - begin), pass + 1, spaces, visit);
      done = end;
    }
    cut(text.substr(done), pass + 1, spaces, visit);
  }

  std::vector<compiled_pattern> passes_;
};

}  // namespace quipu::text

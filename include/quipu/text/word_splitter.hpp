/// @file Cuts text into words by the steps of a tokenizer.json.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/compiled_pattern.hpp>
#include <quipu/text/pre_tokenizer.hpp>  // invalid_utf8_prefix
#include <quipu/text/text_rules.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::text {

/// The steps, ready to use. Immutable. Bytes that are not UTF-8 are words of their own, one for each run.
/// Source: `NormalizedString::split` and the pre-tokenizers of Hugging Face's tokenizers.
class word_splitter {
 public:
  word_splitter() = default;
  /// @throws config_error  PCRE2 refuses a pattern
  explicit word_splitter(std::vector<split_step> steps) : steps_(std::move(steps)) {
    for (const split_step& step : steps_) {
      patterns_.emplace_back(step.pattern, match_place::anywhere, "pre-tokenizer");
    }
  }

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

  /// Calls `visit(std::string_view word)` for the words of `text` in order.
  /// @param at_start  does `text` begin where the whole text does?
  /// @param kept      gets the texts that words point into and that are not `text`
  template <class Visit>
  void for_each_word(std::string_view text, bool at_start, std::list<std::string>& kept, const Visit& visit) const {
    if (steps_.size() == 1 && is_plain(steps_.front())) {
      const match_space space = patterns_.front().space();
      cut(text, steps_.front(), patterns_.front(), space, visit);
      return;
    }
    std::vector<piece> pieces = {{text, at_start}};
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const split_step& step = steps_[i];
      for (piece& one : pieces) replace_blanks(step, one, kept);
      if (step.pattern.empty()) continue;
      std::vector<piece> next;
      const match_space space = patterns_[i].space();
      for (const piece& one : pieces) {
        bool first = one.at_start;
        const char* begin = one.text.data();
        cut(one.text, step, patterns_[i], space, [&](std::string_view word) {
          next.push_back({word, first && word.data() == begin});
          first = false;
        });
      }
      pieces = std::move(next);
    }
    for (const piece& one : pieces) visit(one.text);
  }

 private:
  struct piece {
    std::string_view text;
    bool at_start;
  };
  struct span_of_text {
    std::size_t begin;
    std::size_t end;
    bool removed;
  };

  [[nodiscard]] static bool is_plain(const split_step& step) {
    return !step.pattern.empty() && step.behavior == split_behavior::isolated && step.blank.empty() &&
           step.scheme == prefix_scheme::never;
  }

  static void replace_blanks(const split_step& step, piece& one, std::list<std::string>& kept) {
    const bool wanted = step.scheme == prefix_scheme::always || (step.scheme == prefix_scheme::first && one.at_start);
    const bool has_blank = !step.blank.empty() && one.text.find(' ') != std::string_view::npos;
    const bool blank_first = has_blank && one.text.front() == ' ';
    const bool prefixed = wanted && !(blank_first ? std::string_view(step.blank) : one.text).starts_with(step.prefix);
    if ((!has_blank && !prefixed) || one.text.empty()) return;
    std::string made;
    made.reserve(one.text.size() + 16);
    if (prefixed) made = step.prefix;
    for (const char c : one.text) {
      if (c == ' ' && !step.blank.empty()) {
        made += step.blank;
      } else {
        made.push_back(c);
      }
    }
    one.text = kept.emplace_back(std::move(made));
  }

  template <class Visit>
  static void cut(std::string_view text, const split_step& step, const compiled_pattern& pattern,
                  const match_space& space, const Visit& visit) {
    std::vector<span_of_text> spans;
    while (!text.empty()) {
      const std::string_view valid = text.substr(0, valid_utf8_prefix(text));
      if (step.behavior == split_behavior::isolated) {
        std::size_t done = 0;
        for_each_match(valid, pattern, space, [&](std::size_t begin, std::size_t end) {
          if (begin > done) visit(valid.substr(done, begin - done));
          if (end > begin) visit(valid.substr(begin, end - begin));
          done = end;
        });
        if (done < valid.size()) visit(valid.substr(done));
      } else {
        spans.clear();
        find_spans(valid, step, pattern, space, spans);
        for (const span_of_text& one : spans) {
          if (!one.removed && one.end > one.begin) visit(valid.substr(one.begin, one.end - one.begin));
        }
      }
      text.remove_prefix(valid.size());
      const std::size_t bad = invalid_utf8_prefix(text);
      if (bad > 0) visit(text.substr(0, bad));
      text.remove_prefix(bad);
    }
  }

  // Matches in order; an empty one right behind another does not count.
  template <class Visit>
  static void for_each_match(std::string_view text, const compiled_pattern& pattern, const match_space& space,
                             const Visit& visit) {
    std::size_t at = 0;
    bool any = false;
    std::size_t last = 0;
    for (std::size_t begin = 0, end = 0; at <= text.size() && pattern.find(text, at, space, begin, end);) {
      if (end > begin) {
        visit(begin, end);
        at = end;
      } else {
        if (!any || begin != last) visit(begin, end);
        if (begin >= text.size()) break;
        at = begin + decode_utf8(text, begin).length;
      }
      any = true;
      last = end;
    }
  }

  static void find_spans(std::string_view text, const split_step& step, const compiled_pattern& pattern,
                         const match_space& space, std::vector<span_of_text>& spans) {
    std::vector<span_of_text> found;  // `removed` says: is a match
    std::size_t done = 0;
    for_each_match(text, pattern, space, [&](std::size_t begin, std::size_t end) {
      if (begin > done) found.push_back({done, begin, step.invert});
      found.push_back({begin, end, !step.invert});
      done = end;
    });
    if (done < text.size()) found.push_back({done, text.size(), step.invert});
    bool before = false;
    switch (step.behavior) {
      case split_behavior::isolated:
      case split_behavior::removed: spans = std::move(found); break;
      case split_behavior::contiguous:
        for (const span_of_text& one : found) {
          if (one.removed == before && !spans.empty())
            spans.back().end = one.end;
          else
            spans.push_back({one.begin, one.end, false});
          before = one.removed;
        }
        break;
      case split_behavior::merged_with_previous:
        for (const span_of_text& one : found) {
          if (one.removed && !before && !spans.empty())
            spans.back().end = one.end;
          else
            spans.push_back({one.begin, one.end, false});
          before = one.removed;
        }
        break;
      case split_behavior::merged_with_next:
        for (std::size_t i = found.size(); i-- > 0;) {
          const span_of_text& one = found[i];
          if (one.removed && !before && !spans.empty())
            spans.back().begin = one.begin;
          else
            spans.push_back({one.begin, one.end, false});
          before = one.removed;
        }
        std::vector<span_of_text>(spans.rbegin(), spans.rend()).swap(spans);
        break;
    }
  }

  std::vector<split_step> steps_;
  std::vector<compiled_pattern> patterns_;  // one a step; that of an empty pattern is not asked
};

}  // namespace quipu::text

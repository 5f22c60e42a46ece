/// @file Carries out the changes that a tokenizer file asks for before a text is cut.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/character_class.hpp>  // white space
#include <quipu/text/compiled_pattern.hpp>
#include <quipu/text/text_rules.hpp>
#include <quipu/text/unicode_normal.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::text {

/// A sequence of `normalizer_step`s, ready to use. Immutable; bytes that are not UTF-8 pass through it.
/// Source: Hugging Face's tokenizers, `normalizers/`. Cost: linear in the text for each step.
class normalizer {
 public:
  normalizer() = default;
  /// @throws config_error  PCRE2 refuses an expression
  explicit normalizer(std::vector<normalizer_step> steps) : steps_(std::move(steps)) {
    for (const normalizer_step& step : steps_) {
      if (step.is_expression) patterns_.emplace_back(step.pattern, match_place::anywhere, "normalizer");
    }
  }

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

  /// @param front_lost  set if the first character of `text` vanished: what is left does not begin where the text does
  [[nodiscard]] std::string operator()(std::string_view text, bool& front_lost) const {
    std::string current(text);
    std::size_t pattern = 0;
    for (const normalizer_step& step : steps_) {
      if (step.is_expression) {
        current = replace_expression(current, patterns_[pattern++], step.content, front_lost);
      } else {
        front_lost = front_lost || loses_front(step, current);
        apply(step, current);
      }
    }
    return current;
  }

 private:
  static bool loses_front(const normalizer_step& step, std::string_view text) {
    switch (step.kind) {
      case normalizer_kind::strip: return step.left && white_space_end(text, 0) > 0;
      case normalizer_kind::strip_accents: return !text.empty() && is_mark(decode_utf8(text, 0).code_point);
      case normalizer_kind::replace: return step.content.empty() && text.starts_with(step.pattern);
      default: return false;
    }
  }

  static void apply(const normalizer_step& step, std::string& text) {
    switch (step.kind) {
      case normalizer_kind::nfc: text = to_normal_form(text, normal_form::nfc); break;
      case normalizer_kind::nfd: text = to_normal_form(text, normal_form::nfd); break;
      case normalizer_kind::nfkc: text = to_normal_form(text, normal_form::nfkc); break;
      case normalizer_kind::nfkd: text = to_normal_form(text, normal_form::nfkd); break;
      case normalizer_kind::lowercase: text = to_lower_case(text); break;
      case normalizer_kind::strip_accents: text = without_marks(text); break;
      case normalizer_kind::strip: {
        const std::size_t begin = step.left ? white_space_end(text, 0) : 0;
        const std::size_t end = step.right ? white_space_begin(text, text.size(), begin) : text.size();
        text = text.substr(begin, end - begin);
        break;
      }
      case normalizer_kind::prepend:
        if (!text.empty()) text.insert(0, step.content);
        break;
      case normalizer_kind::replace: text = replace_text(text, step.pattern, step.content); break;
    }
  }

  static std::string replace_text(std::string_view text, std::string_view sought, std::string_view by) {
    std::string out;
    if (sought.empty()) return std::string(text);
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t found = std::min(text.find(sought, at), text.size());
      out.append(text.substr(at, found - at));
      if (found == text.size()) break;
      out.append(by);
      at = found + sought.size();
    }
    return out;
  }

  static std::string replace_expression(std::string_view text, const compiled_pattern& pattern, std::string_view by,
                                        bool& front_lost) {
    std::string out;
    const char* front = text.data();
    const match_space space = pattern.space();
    while (!text.empty()) {
      const std::string_view valid = text.substr(0, valid_utf8_prefix(text));
      std::size_t done = 0;
      for (std::size_t begin = 0, end = 0; done < valid.size();) {
        if (!pattern.find(valid, done, space, begin, end) || end <= begin) break;
        if (by.empty() && valid.data() + begin == front) front_lost = true;
        out.append(valid.substr(done, begin - done));
        out.append(by);
        done = end;
      }
      out.append(valid.substr(done));
      text.remove_prefix(valid.size());
      if (text.empty()) break;
      const std::size_t bad = decode_utf8(text, 0).length;
      out.append(text.substr(0, bad));
      text.remove_prefix(bad);
    }
    return out;
  }

  std::vector<normalizer_step> steps_;
  std::vector<compiled_pattern> patterns_;  // of the steps that are expressions, in order
};

}  // namespace quipu::text

/// @file The filter wordwrap, which is Python's textwrap.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/text_edit.hpp>
#include <quipu/text/jinja/text_checks.hpp>  // need_text, need_whole
#include <quipu/text/jinja/operators.hpp>    // is_true
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// One line of text, cut into pieces that stay together and put into lines again.
class line_wrapper {
 public:
  line_wrapper(evaluation& run, const value& line, std::size_t width, bool break_words, bool at_hyphens)
      : text_(text_of(line)), width_(width), break_words_(break_words), at_hyphens_(at_hyphens) {
    run.make(chars_of(line).size() * 16);
    for (std::size_t at = 0; at < chars_of(line).size();) {
      const utf8_step step = character_at(chars_of(line), at);
      codes_.push_back(step.code_point);
      offsets_.push_back(at);
      at += step.length;
    }
    offsets_.push_back(chars_of(line).size());
    for (std::size_t at = 0; at < codes_.size();) {
      const std::size_t end = end_of_piece(at);
      pieces_.push_back({at, end});
      at = end;
    }
  }

  /// Appends the lines with `end` between them; `is_first` is false once there is a line.
  void append(evaluation& run, text_builder& out, const text_object& end, bool& is_first) {
    std::size_t at = 0;
    bool any = false;
    while (at < pieces_.size()) {
      run.step();
      if (any && is_space(pieces_[at])) ++at;
      std::vector<piece> line;
      std::size_t length = 0;
      while (at < pieces_.size() && length + pieces_[at].size() <= width_) {
        length += pieces_[at].size();
        line.push_back(pieces_[at++]);
      }
      if (at < pieces_.size() && pieces_[at].size() > width_) break_piece(at, line, width_ - length);
      if (!line.empty() && is_space(line.back())) line.pop_back();
      if (line.empty()) continue;
      any = true;
      run.make(end.chars.size());
      if (!is_first) out.append(end);
      is_first = false;
      out.append(text_, offsets_[line.front().begin], offsets_[line.back().end]);
    }
    if (!any) {
      // A line without words is an empty one.
      run.make(end.chars.size());
      if (!is_first) out.append(end);
      is_first = false;
    }
  }

 private:
  struct piece {
    std::size_t begin;
    std::size_t end;
    [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
  };

  static bool is_gap(char32_t c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
  [[nodiscard]] bool is_space(const piece& one) const {
    for (std::size_t i = one.begin; i < one.end; ++i) {
      if (!is_blank(codes_[i])) return false;
    }
    return true;
  }
  [[nodiscard]] char32_t at(std::size_t i) const noexcept { return i < codes_.size() ? codes_[i] : 0; }
  [[nodiscard]] bool letter_at(std::size_t i) const noexcept {
    return i < codes_.size() && is_word(codes_[i]) && !is_decimal(codes_[i]);
  }
  [[nodiscard]] bool punctuated_at(std::size_t i) const noexcept {
    const char32_t c = at(i);
    return c != 0 && (is_word(c) || c == '!' || c == '"' || c == '\'' || c == '&' || c == '.' || c == ',' || c == '?');
  }
  /// Dashes at `i`, two at least, before a word; 0 if there are none.
  [[nodiscard]] std::size_t dashes(std::size_t i) const noexcept {
    if (i == 0 || !punctuated_at(i - 1) || at(i) != '-' || at(i + 1) != '-') return 0;
    std::size_t n = 2;
    while (at(i + n) == '-') ++n;
    return at(i + n) != 0 && is_word(at(i + n)) ? n : 0;
  }
  [[nodiscard]] std::size_t end_of_piece(std::size_t begin) const {
    std::size_t i = begin;
    if (is_gap(codes_[i])) {
      while (i < codes_.size() && is_gap(codes_[i])) ++i;
      return i;
    }
    if (at_hyphens_ && dashes(i) != 0) return i + dashes(i);
    for (++i; i < codes_.size(); ++i) {
      if (is_gap(codes_[i])) return i;
      if (!at_hyphens_ || codes_[i] != '-') continue;
      const bool after = (i >= 2 && letter_at(i - 1) && letter_at(i - 2)) ||
                         (i >= 3 && letter_at(i - 1) && at(i - 2) == '-' && letter_at(i - 3));
      const bool before = letter_at(i + 1) && (letter_at(i + 2) || (at(i + 2) == '-' && letter_at(i + 3)));
      if (after && before) return i + 1;
      if (dashes(i) != 0) return i;
    }
    return i;
  }
  void break_piece(std::size_t& place, std::vector<piece>& line, std::size_t room) {
    piece& one = pieces_[place];
    if (!break_words_) {
      if (line.empty()) line.push_back(pieces_[place++]);
      return;
    }
    std::size_t end = one.begin + room;
    if (at_hyphens_) {
      std::size_t hyphen = end;
      while (hyphen > one.begin && codes_[hyphen - 1] != '-') --hyphen;
      bool has_other = false;
      for (std::size_t i = one.begin; i + 1 < hyphen; ++i) has_other = has_other || codes_[i] != '-';
      if (hyphen > one.begin + 1 && has_other) end = hyphen;
    }
    line.push_back({one.begin, end});  // may be empty: the blank before it stays then, as in Python
    one.begin = end;
  }

  const text_object& text_;
  std::size_t width_;
  bool break_words_;
  bool at_hyphens_;
  std::vector<char32_t> codes_;
  std::vector<std::size_t> offsets_;
  std::vector<piece> pieces_;
};

namespace filters {

inline value word_wrap(evaluation& run, const value& v, arguments& given) {
  const parameters<4> found(run, "wordwrap", given, {"width", "break_long_words", "wrapstring", "break_on_hyphens"}, 0);
  need_text(run, v, "what to wrap");
  const std::int64_t width = found.has(0) ? need_whole(run, *found[0], "width") : 79;
  const value end = some(found[2]) == nullptr ? run.text("\n", true) : need_text(run, *found[2], "wrapstring");
  const bool break_words = !found.has(1) || is_true(*found[1]);
  const bool at_hyphens = !found.has(3) || is_true(*found[3]);
  const values lines = lines_of(run, v);
  if (width <= 0 && !lines.empty()) run.fail("a width above 0", std::to_string(width));
  run.make(96 + chars_of(v).size());
  text_builder out;
  bool is_first = true;
  for (const value& line : lines) {
    line_wrapper(run, line, static_cast<std::size_t>(width), break_words, at_hyphens)
        .append(run, out, text_of(end), is_first);
  }
  return out.take(text_of(end).safe);
}

}  // namespace filters

}  // namespace quipu::text::jinja

// What note_spans.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <quipu/eren/reading/note_spans.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/character_class.hpp>  // is_mark
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

QUIPU_INLINE note_spans::note_spans(std::span<const std::string> notes) {
  constexpr std::u32string_view closing = U".,;:!?)]}'\"\u2019\u201D\u00BB\u3001\u3002\uFF0C\uFF1A\uFF1B\uFF01\uFF1F\uFF09\u300B\u300D";
  for (const std::string& note : notes) {
    const std::size_t first = text_.size();
    text_ += note;
    ends_.resize(text_.size() + 1, false);
    char32_t before = U' ';
    for (std::size_t at = first; at < text_.size();) {
      const text::utf8_step step = text::decode_utf8(text_, at);
      const char32_t now = step.code_point;
      const bool blank = now <= U' ', mark = text::is_mark(now);
      const bool inside = notes::is_word_character(before) && notes::is_word_character(now) &&
                          !notes::is_unspaced(before) && !notes::is_unspaced(now);
      if (!inside && !mark) {
        if (before > U' ') ends_[at] = true;
        if (!blank && closing.find(now) == std::u32string_view::npos) begins_.push_back(at);
      }
      if (!mark) before = now;
      at += step.length;
    }
    if (before > U' ') ends_[text_.size()] = true;
    text_ += '\n';
  }
}

}  // namespace quipu::eren

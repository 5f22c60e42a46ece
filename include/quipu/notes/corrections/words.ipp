/// @file The words and marks of a note as corrections compare them, and phrases of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/character_class.hpp>
#include <quipu/text/unicode_normal.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::notes::corrections_detail {

struct word {
  std::string text;      // in the form that searches compare, or one mark
  bool capital = false;  // as it was written
  bool number = false;   // has a digit
  bool mark = false;     // no letters
};
using words = std::vector<word>;

QUIPU_INLINE bool is_digit(char32_t c) { return (c >= U'0' && c <= U'9') || (c >= U'\uFF10' && c <= U'\uFF19'); }

/// Words, letters of scripts without blanks one by one, numbers whole ("9:15", "1.80"), "'s" apart, and the marks that
/// change what is said.
QUIPU_INLINE words cut(std::string_view text) {
  constexpr std::u32string_view apostrophes = U"'\u2019\u02BC", joints = U".,:/-";
  struct mark {
    std::u32string_view from;
    const char* to;
  };
  static constexpr mark marks[] = {{U",\uFF0C\u3001", ","}, {U":\uFF1A", ":"},  {U";\uFF1B", ";"},
                                   {U"?\uFF1F\u00BF", "?"}, {U"(\uFF08[", "("}, {U")\uFF09]", ")"},
                                   {U"\u2013\u2014", ";"}};
  constexpr std::u32string_view dropped =
      U".!\u3002\uFF01\u00A1\"\u201C\u201D\u201E\u00AB\u00BB\u300C\u300D\u2018-\u2026\u00B7";
  const auto at = [&](std::size_t i) {
    return i < text.size() ? text::decode_utf8(text, i) : text::utf8_step{0, 1, {}};
  };
  words out;
  std::string run;
  bool capital = false, number = false;
  const auto end_run = [&] {
    if (run.empty()) return;
    out.push_back({text::to_search_form(run), capital, number, false});
    run.clear();
    capital = number = false;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto step = at(i);
    const char32_t c = step.code_point;
    const std::string_view letter = text.substr(i, step.length);
    i += step.length;
    const auto next = at(i);
    if (is_word_character(c) || (!run.empty() && text::is_mark(c))) {
      if (is_unspaced(c)) {
        end_run();
        out.push_back({std::string(letter), false, false, false});
        continue;
      }
      if (run.empty()) capital = to_lower(c) != c;
      number = number || is_digit(c);
      run += letter;
    } else if (!run.empty() && joints.find(c) != std::u32string_view::npos && is_digit(next.code_point) &&
               run.find_first_not_of("0123456789.,:/-") == std::string::npos) {
      run += letter;
    } else if (!run.empty() && apostrophes.find(c) != std::u32string_view::npos) {
      const bool letters = is_word_character(next.code_point);
      const bool genitive =
          (next.code_point == U's' || next.code_point == U'S') && !is_word_character(at(i + 1).code_point);
      if (genitive) {
        end_run();
        out.push_back({"'s", false, false, false});
        ++i;
      } else if (letters) {
        run += '\'';
      } else {
        end_run();
        out.push_back({"'", false, false, false});
      }
    } else {
      end_run();
      if (c <= U' ' || c == 0xA0 || c == 0x3000 || dropped.find(c) != std::u32string_view::npos) continue;
      const auto* known = std::find_if(std::begin(marks), std::end(marks),
                                       [&](const mark& m) { return m.from.find(c) != std::u32string_view::npos; });
      out.push_back({known != std::end(marks) ? known->to : std::string(letter), false, false, true});
    }
  }
  end_run();
  return out;
}

QUIPU_INLINE words part(const words& w, std::size_t begin, std::size_t end) {
  return {w.begin() + static_cast<std::ptrdiff_t>(begin),
          w.begin() + static_cast<std::ptrdiff_t>(std::max(begin, end))};
}
QUIPU_INLINE std::string joined(const words& w) {
  std::string out;
  for (const word& one : w) out += (out.empty() ? "" : " ") + one.text;
  return out;
}
QUIPU_INLINE bool same_words(const words& a, const words& b) { return joined(a) == joined(b); }
QUIPU_INLINE bool contains(const words& whole, const words& some) {
  return std::search(whole.begin(), whole.end(), some.begin(), some.end(),
                     [](const word& a, const word& b) { return a.text == b.text; }) != whole.end();
}

/// Phrases of one or more words, told apart by '|'.
class phrases {
 public:
  phrases(const char* list) {  // NOLINT(google-explicit-constructor): tables are written as texts
    for (std::string_view rest = list; !rest.empty();) {
      const std::size_t end = std::min(rest.find('|'), rest.size());
      phrase one;
      for (word& w : cut(rest.substr(0, end))) one.push_back(std::move(w.text));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (one.empty()) continue;
      for (auto* some : {&by_first_[one.front()], &by_last_[one.back()]}) {
        some->insert(std::find_if(some->begin(), some->end(), [&](const phrase& p) { return p.size() < one.size(); }),
                     one);
      }
    }
  }
  /// Words of the longest phrase at `begin`; 0 if none is there.
  [[nodiscard]] std::size_t at(const words& w, std::size_t begin) const {
    if (begin >= w.size()) return 0;
    const auto found = by_first_.find(w[begin].text);
    if (found == by_first_.end()) return 0;
    for (const phrase& p : found->second) {
      if (p.size() <= w.size() - begin && stands(p, w, begin)) return p.size();
    }
    return 0;
  }
  /// Words of the longest phrase before `end`.
  [[nodiscard]] std::size_t ending(const words& w, std::size_t end) const {
    if (end == 0 || end > w.size()) return 0;
    const auto found = by_last_.find(w[end - 1].text);
    if (found == by_last_.end()) return 0;
    for (const phrase& p : found->second) {
      if (p.size() <= end && stands(p, w, end - p.size())) return p.size();
    }
    return 0;
  }
  [[nodiscard]] bool any(const words& w) const {
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (at(w, i) > 0) return true;
    }
    return false;
  }
  [[nodiscard]] bool empty() const { return by_first_.empty(); }
  /// Is a word alone a phrase?
  [[nodiscard]] bool has(const std::string& text) const {
    const auto found = by_first_.find(text);
    return found != by_first_.end() && found->second.back().size() == 1;
  }
  /// Does a word end with one of them, as German compounds do?
  [[nodiscard]] bool compound(const std::string& text) const {
    return std::any_of(by_first_.begin(), by_first_.end(),
                       [&](const auto& one) { return has(one.first) && text.ends_with(one.first); });
  }

 private:
  using phrase = std::vector<std::string>;
  [[nodiscard]] static bool stands(const phrase& p, const words& w, std::size_t begin) {
    return std::equal(p.begin(), p.end(), w.begin() + static_cast<std::ptrdiff_t>(begin),
                      [](const std::string& a, const word& b) { return a == b.text; });
  }
  std::unordered_map<std::string, std::vector<phrase>> by_first_, by_last_;  // the longest first
};

}  // namespace quipu::notes::corrections_detail

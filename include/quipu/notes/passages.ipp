// What passages.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/notes/passages.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::notes {
namespace detail {

// Does the full stop at the end of `text` belong to its last word?
QUIPU_INLINE bool ends_in_abbreviation(std::string_view text) {
  static constexpr std::string_view known[] = {"al", "approx", "art", "av", "avda", "bzw", "ca", "cf", "co", "dept", "dr", "dra",
                                               "eg", "etc", "evtl", "fig", "fr", "ggf", "hr", "ie", "inc", "jr", "lt", "mr", "mrs", "ms",
                                               "mt", "no", "nr", "núm", "pág", "prof", "sr", "sra", "srta", "st", "str", "tel",
                                               "ud", "uds", "usw", "vgl", "vs"};
  text.remove_suffix(1);
  std::string word;
  const std::size_t blank = text.find_last_of(" (\"'");
  for (const char c : text.substr(blank == std::string_view::npos ? 0 : blank + 1)) {
    if (c != '.') word += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const bool number = word.find_first_not_of("0123456789") == std::string::npos;
  if (number) return !word.empty() && word.size() <= 2;  // "am 3. Mai"
  return word.size() == 1 || std::find(std::begin(known), std::end(known), word) != std::end(known);
}

}  // namespace detail

QUIPU_INLINE std::vector<std::string_view> sentences_of(std::string_view text) {
  constexpr std::u32string_view stops = U".!?\u2026", full_width = U"\u3002\uFF01\uFF1F",
                                closing = U"\"')]}\u2019\u201D\u00BB\u300D\u300F\uFF09";
  std::vector<std::string_view> sentences;
  std::size_t begin = 0;
  const auto end_at = [&](std::size_t end) {
    std::string_view one = text.substr(begin, end - begin);
    begin = end;
    one.remove_prefix(std::min(one.find_first_not_of(" \t\r\n"), one.size()));
    one = one.substr(0, one.find_last_not_of(" \t\r\n") + 1);
    if (!one.empty()) sentences.push_back(one);
  };
  for (std::size_t at = 0; at < text.size();) {
    const text::utf8_step step = text::decode_utf8(text, at);
    at += step.length;
    if (step.code_point == U'\n') {
      end_at(at);
      continue;
    }
    const bool wide = full_width.find(step.code_point) != std::u32string_view::npos;
    if (!wide && stops.find(step.code_point) == std::u32string_view::npos) continue;
    const std::string_view stopped = text.substr(begin, at - begin);
    while (at < text.size()) {  // "?!" and what closes there belong to the sentence
      const text::utf8_step next = text::decode_utf8(text, at);
      if (closing.find(next.code_point) == std::u32string_view::npos && stops.find(next.code_point) == std::u32string_view::npos &&
          full_width.find(next.code_point) == std::u32string_view::npos)
        break;
      at += next.length;
    }
    if (wide) {
      end_at(at);
      continue;
    }
    const std::size_t next = text.find_first_not_of(" \t", at);
    if (next == at || next == std::string_view::npos) continue;
    const char32_t follows = text::decode_utf8(text, next).code_point;
    if (to_lower(follows) == follows && is_word_character(follows) && !is_unspaced(follows) && !(follows >= U'0' && follows <= U'9'))
      continue;
    if (step.code_point == U'.' && detail::ends_in_abbreviation(stopped)) continue;
    end_at(at);
  }
  end_at(text.size());
  return sentences;
}

QUIPU_INLINE std::vector<std::string_view> passages_of(std::string_view text, const passage_options& options) {
  std::vector<std::string_view> parts;
  for (std::string_view sentence : sentences_of(text)) {
    while (sentence.size() > options.n_byte) {
      std::size_t cut = sentence.rfind(' ', options.n_byte);
      if (cut == std::string_view::npos || cut < options.n_byte / 2) {
        cut = options.n_byte;
        while (cut > 0 && (static_cast<unsigned char>(sentence[cut]) & 0xc0u) == 0x80u) --cut;
        if (cut == 0) cut = options.n_byte;
      }
      parts.push_back(sentence.substr(0, cut));
      sentence.remove_prefix(cut);
      sentence.remove_prefix(std::min(sentence.find_first_not_of(' '), sentence.size()));
    }
    if (!sentence.empty()) parts.push_back(sentence);
  }
  const auto from_to = [&](std::size_t first, std::size_t last) {
    return std::string_view(parts[first].data(), static_cast<std::size_t>(parts[last].data() - parts[first].data()) + parts[last].size());
  };
  std::vector<std::string_view> passages;
  if (parts.empty()) return passages;
  if (const std::string_view whole = from_to(0, parts.size() - 1); whole.size() <= options.n_whole) return {whole};
  std::size_t covered = 0;  // parts that lie in a passage
  for (std::size_t first = 0; first < parts.size(); ++first) {
    std::size_t last = first;
    while (last + 1 < parts.size() && from_to(first, last + 1).size() <= options.n_byte) ++last;
    if (last < covered) continue;
    passages.push_back(from_to(first, last));
    covered = last + 1;
  }
  return passages;
}

}  // namespace quipu::notes

/// @file Cutting notes and questions into the words that lexical retrievers count.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::notes {

/// Terms one after the other in one buffer that is used again and again.
class term_list {
 public:
  void clear() noexcept {
    bytes_.clear();
    ends_.clear();
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] bool empty() const noexcept { return ends_.empty(); }
  /// Valid until the list changes.
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {bytes_.data() + begin, ends_[i] - begin};
  }
  void push_back(std::string_view term) {
    bytes_.append(term);
    ends_.push_back(bytes_.size());
  }
  /// For building terms in place: all bytes, those of the next term after those of the last one.
  [[nodiscard]] std::string& bytes() noexcept { return bytes_; }
  /// Makes a term of the bytes from the end of the last one to `end`.
  void end_term(std::size_t end) { ends_.push_back(end); }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// Cuts a text into terms, appended to a list. `identity` names the rule: indexes built with another one
/// do not fit.
template <class Words>
concept word_policy = std::copyable<Words> && requires(const Words& words, std::string_view text, term_list& out) {
  words(text, out);
  { Words::identity() } -> std::convertible_to<std::string_view>;
};

/// Words too common to tell notes apart, sorted. Contractions leave "s".
inline constexpr std::array<std::string_view, 37> stop_words = {
    "'s", "a", "an", "and", "are", "as", "at", "be", "been", "by", "did", "do", "does", "for",
    "from", "how", "in", "is", "it", "its", "of", "on", "or", "s", "that", "the", "this", "to",
    "was", "were", "what", "when", "where", "which", "who", "whom", "with"};

namespace detail {

/// Up to eight bytes as a number; different for different words of at most seven bytes.
[[nodiscard]] constexpr std::uint64_t packed_word(std::string_view word) noexcept {
  std::uint64_t value = word.size();
  for (const char c : word) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

[[nodiscard]] constexpr std::size_t stop_place(std::uint64_t packed) noexcept {
  return packed * 0x9e3779b97f4a7c15u >> 56;
}

/// Open hash table of the packed stop words.
inline constexpr auto stop_table = [] {
  std::array<std::uint64_t, 256> table{};
  for (const std::string_view word : stop_words) {
    std::size_t place = stop_place(packed_word(word));
    while (table[place] != 0) place = (place + 1) % table.size();
    table[place] = packed_word(word);
  }
  return table;
}();

}  // namespace detail

/// @param word  lower case
[[nodiscard]] constexpr bool is_stop_word(std::string_view word) noexcept {
  if (word.size() > 5) return false;
  const std::uint64_t packed = detail::packed_word(word);
  for (std::size_t place = detail::stop_place(packed); detail::stop_table[place] != 0;
       place = (place + 1) % detail::stop_table.size()) {
    if (detail::stop_table[place] == packed) return true;
  }
  return false;
}

namespace detail {

/// Lower case of the ASCII letters and digits; 1 for bytes above ASCII; 0 for all that separates words.
inline constexpr auto word_bytes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool same = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    const bool upper = c >= 'A' && c <= 'Z';
    table[static_cast<std::size_t>(c)] = static_cast<char>(same ? c : upper ? c + 32 : c >= 0x80 ? 1 : 0);
  }
  return table;
}();

}  // namespace detail

/// Appends the runs of letters and digits of any script in lower case, as far as `keep(string_view)` wants
/// them.
template <class Keep>
void split_words(std::string_view text, term_list& out, Keep&& keep) {
  std::string& bytes = out.bytes();
  std::size_t begin = bytes.size(), end = begin;  // of the word being built
  bytes.resize(begin + text.size() + text.size() / 2 + 1);  // lower case takes 3 bytes for 2 at worst
  const auto end_word = [&] {
    if (end == begin) return;
    if (keep(std::string_view(bytes.data() + begin, end - begin))) {
      out.end_term(end);
      begin = end;
    } else {
      end = begin;
    }
  };
  std::string letter;
  for (std::size_t at = 0; at < text.size();) {
    const char folded = detail::word_bytes[static_cast<std::uint8_t>(text[at])];
    if (folded > 1) {
      bytes[end++] = folded;
      ++at;
    } else if (folded == 0) {
      end_word();
      ++at;
    } else {
      const quipu::text::utf8_step step = quipu::text::decode_utf8(text, at);
      at += step.length;
      if (is_word_character(step.code_point)) {  // U+FFFD, which stands for bad bytes, is none
        letter.clear();
        quipu::text::append_utf8(letter, to_lower(step.code_point));
        for (const char c : letter) bytes[end++] = c;
      } else {
        end_word();
      }
    }
  }
  end_word();
  bytes.resize(end);
}
inline void split_words(std::string_view text, term_list& out) {
  split_words(text, out, [](std::string_view) { return true; });
}

/// Every word.
struct all_words {
  void operator()(std::string_view text, term_list& out) const { split_words(text, out); }
  static constexpr std::string_view identity() noexcept { return "words"; }
};

/// The words that are not stop words; all of them if there are no others.
struct content_words {
  void operator()(std::string_view text, term_list& out) const {
    const std::size_t before = out.size();
    split_words(text, out, [](std::string_view word) { return !is_stop_word(word); });
    if (out.size() == before) split_words(text, out);
  }
  static constexpr std::string_view identity() noexcept { return "words without stop words"; }
};

static_assert(word_policy<all_words> && word_policy<content_words>);

}  // namespace quipu::notes

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
#include <type_traits>
#include <vector>

#include <quipu/notes/unicode_words.hpp>
#include <quipu/text/character_class.hpp>  // is_mark
#include <quipu/text/unicode_normal.hpp>   // to_search_form
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

/// Optional: cuts a note into more terms than a question, so that questions without other words find them too.
/// @return how many of them count as the note's length
template <class Words>
concept cuts_notes = requires(const Words& words, std::string_view text, term_list& out) {
  { words.note(text, out) } -> std::same_as<std::size_t>;
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

/// Lower case of the ASCII letters and digits; 0 for all that separates words.
inline constexpr auto word_bytes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 128; ++c) {
    const bool same = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    const bool upper = c >= 'A' && c <= 'Z';
    table[static_cast<std::size_t>(c)] = static_cast<char>(same ? c : upper ? c + 32 : 0);
  }
  return table;
}();

}  // namespace detail

namespace detail {

/// Builds the words of one text behind those of a list.
template <class Keep>
class word_builder {
 public:
  word_builder(term_list& out, Keep& keep, std::size_t n_byte) : out_(out), keep_(keep), begin_(out.bytes().size()), end_(begin_) {
    out.bytes().resize(begin_ + n_byte);
  }
  ~word_builder() { out_.bytes().resize(end_); }
  word_builder(const word_builder&) = delete;
  word_builder& operator=(const word_builder&) = delete;

  [[nodiscard]] bool inside() const noexcept { return end_ > begin_; }
  void put(char byte) noexcept { out_.bytes()[end_++] = byte; }
  void put(std::string_view bytes) noexcept {
    for (const char c : bytes) put(c);
  }
  void end_word() {
    if (!inside()) return;
    if (keep_(std::string_view(out_.bytes().data() + begin_, end_ - begin_))) {
      out_.end_term(end_);
      begin_ = end_;
    } else {
      end_ = begin_;
    }
  }

 private:
  term_list& out_;
  Keep& keep_;
  std::size_t begin_, end_;  // of the word being built
};

/// The letters of a run without blanks, in pairs that overlap; a letter alone if there is one only.
/// @param letters  each with its marks
template <class Keep>
void put_pairs(word_builder<Keep>& word, std::vector<std::string_view>& letters) {
  if (letters.size() == 1) {
    word.put(letters.front());
    word.end_word();
  }
  for (std::size_t i = 1; i < letters.size(); ++i) {
    word.put(letters[i - 1]);
    word.put(letters[i]);
    word.end_word();
  }
  letters.clear();
}

/// @param text  in the form that searches compare, see `text::to_search_form`
template <class Keep>
void split_folded_words(std::string_view text, term_list& out, Keep& keep) {
  word_builder<Keep> word(out, keep, 2 * text.size() + 1);  // every letter stands in two pairs at most
  std::vector<std::string_view> unspaced;
  for (std::size_t at = 0; at < text.size();) {
    const quipu::text::utf8_step step = quipu::text::decode_utf8(text, at);
    const std::string_view letter = text.substr(at, step.length);
    at += step.length;
    if (!unspaced.empty() && quipu::text::is_mark(step.code_point)) {
      unspaced.back() = {unspaced.back().data(), unspaced.back().size() + letter.size()};
    } else if (word.inside() && quipu::text::is_mark(step.code_point)) {
      word.put(letter);
    } else if (!is_word_character(step.code_point)) {  // nor is U+FFFD, which stands for bad bytes
      put_pairs(word, unspaced);
      word.end_word();
    } else if (is_unspaced(step.code_point)) {
      word.end_word();
      unspaced.push_back(letter);
    } else {
      put_pairs(word, unspaced);
      word.put(letter);
    }
  }
  put_pairs(word, unspaced);
  word.end_word();
}

}  // namespace detail

/// Appends the words of a text as searches compare them, as far as `keep(string_view)` wants them: runs of letters and digits
/// with their marks, in `text::to_search_form`; of scripts that are written without blanks all pairs of neighbouring letters.
template <class Keep>
void split_words(std::string_view text, term_list& out, Keep&& keep) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    detail::split_folded_words(quipu::text::to_search_form(text), out, keep);
    return;
  }
  detail::word_builder<std::remove_reference_t<Keep>> word(out, keep, text.size());
  for (const char c : text) {
    const char folded = detail::word_bytes[static_cast<std::uint8_t>(c)];
    if (folded != 0) {
      word.put(folded);
    } else {
      word.end_word();
    }
  }
  word.end_word();
}
inline void split_words(std::string_view text, term_list& out) {
  split_words(text, out, [](std::string_view) { return true; });
}

/// Every word.
struct all_words {
  void operator()(std::string_view text, term_list& out) const { split_words(text, out); }
  static constexpr std::string_view identity() noexcept { return "folded words"; }
};

/// The words that are not stop words; all of them if there are no others. A note's stop words are found by questions that
/// have nothing else ("Who is it by?"); its length, and so every other question's score, does not know of them.
struct content_words {
  void operator()(std::string_view text, term_list& out) const {
    const std::size_t before = out.size();
    split_words(text, out, [](std::string_view word) { return !is_stop_word(word); });
    if (out.size() == before) split_words(text, out);
  }
  std::size_t note(std::string_view text, term_list& out) const {
    const std::size_t before = out.size();
    std::size_t n_content = 0;
    split_words(text, out, [&](std::string_view word) {
      n_content += is_stop_word(word) ? 0 : 1;
      return true;
    });
    return n_content > 0 ? n_content : out.size() - before;
  }
  static constexpr std::string_view identity() noexcept { return "folded words, stop words apart"; }
};

static_assert(word_policy<all_words> && word_policy<content_words> && cuts_notes<content_words>);

}  // namespace quipu::notes

/// @file The words of notes and the character n-grams that they are made of, by number.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>  // term_list

namespace quipu::notes {

struct char_ngram_options {
  std::size_t shortest = 3;  ///< characters, the brackets around a word included
  std::size_t longest = 5;
};

/// Numbers for words and for their n-grams: those of "<word>", and "<word>" itself. Every word is cut once, when it is
/// first seen. Nothing is ever forgotten.
class ngram_vocabulary {
 public:
  static constexpr std::uint32_t absent = term_dictionary::absent;

  /// @throws config_error  lengths out of order, or above 64
  explicit ngram_vocabulary(const char_ngram_options& options);

  [[nodiscard]] const char_ngram_options& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t n_word() const noexcept { return word_ends_.size(); }
  [[nodiscard]] std::size_t n_gram() const noexcept { return grams_.size(); }

  /// The number of a word, a new one if it is not known yet.
  /// @throws config_error  more than 2^32 - 2 n-grams
  std::uint32_t insert(std::string_view word);
  /// The number of an n-gram, or `absent`.
  [[nodiscard]] std::uint32_t find_gram(std::string_view gram) const noexcept { return grams_.find(gram); }
  /// N-grams of a word, ascending by number; one that occurs several times is there as often.
  [[nodiscard]] std::span<const std::uint32_t> grams_of(std::uint32_t word) const noexcept {
    const std::size_t begin = word == 0 ? 0 : word_ends_[word - 1];
    return {word_grams_.data() + begin, word_ends_[word] - begin};
  }
  /// Appends the n-grams of any word, shorter ones first, the whole word last.
  void cut(std::string_view word, term_list& grams) const;

  void save(io::atomic_file& out) const;
  /// @throws format_error  cut off, or numbers out of range
  [[nodiscard]] static ngram_vocabulary restore(const char_ngram_options& options, io::byte_reader& in);

  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  char_ngram_options options_;
  term_dictionary grams_;
  std::vector<std::uint32_t> word_of_gram_;  // by n-gram: the word that it is the whole of, or absent
  std::vector<std::uint32_t> word_grams_;    // word after word
  std::vector<std::size_t> word_ends_;       // by word
  std::string whole_;                        // while inserting
  term_list cut_;
};

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/ngram_vocabulary.ipp>
#endif

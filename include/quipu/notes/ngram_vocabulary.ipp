// What ngram_vocabulary.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/ngram_vocabulary.hpp>

namespace quipu::notes {

QUIPU_INLINE ngram_vocabulary::ngram_vocabulary(const char_ngram_options& options) : options_(options) {
  if (options.shortest < 1 || options.longest < options.shortest || options.longest > 64) {
    fail<config_error>("char n-grams: lengths", "1 <= shortest <= longest <= 64",
                       concat(options.shortest, " and ", options.longest));
  }
}

QUIPU_INLINE std::uint32_t ngram_vocabulary::insert(std::string_view word) {
  whole_.assign(1, '<').append(word).push_back('>');
  if (const std::uint32_t known = grams_.find(whole_); known != absent && word_of_gram_[known] != absent)
    return word_of_gram_[known];
  cut_.clear();
  cut(word, cut_);
  const auto begin = static_cast<std::ptrdiff_t>(word_grams_.size());
  for (std::size_t i = 0; i < cut_.size(); ++i) word_grams_.push_back(grams_.insert(cut_[i]));
  const std::uint32_t whole = word_grams_.back();
  std::sort(word_grams_.begin() + begin, word_grams_.end());
  word_of_gram_.resize(grams_.size(), absent);
  word_of_gram_[whole] = static_cast<std::uint32_t>(n_word());
  word_ends_.push_back(word_grams_.size());
  return word_of_gram_[whole];
}

QUIPU_INLINE void ngram_vocabulary::cut(std::string_view word, term_list& grams) const {
  std::string bracketed(1, '<');
  bracketed.append(word).push_back('>');
  std::vector<std::size_t> starts;  // of the characters
  for (std::size_t at = 0; at < bracketed.size(); ++at) {
    if ((static_cast<std::uint8_t>(bracketed[at]) & 0xc0u) != 0x80u) starts.push_back(at);
  }
  starts.push_back(bracketed.size());
  const std::size_t n_char = starts.size() - 1;
  const std::string_view whole = bracketed;
  for (std::size_t n = options_.shortest; n <= options_.longest; ++n) {
    for (std::size_t at = 0; at + n <= n_char; ++at)
      grams.push_back(whole.substr(starts[at], starts[at + n] - starts[at]));
  }
  grams.push_back(whole);
}

QUIPU_INLINE void ngram_vocabulary::save(io::atomic_file& out) const {
  std::vector<std::uint32_t> gram_sizes(n_gram()), word_sizes(n_word()), wholes(n_word());
  std::string bytes;
  for (std::uint32_t gram = 0; gram < n_gram(); ++gram) {
    gram_sizes[gram] = static_cast<std::uint32_t>(grams_[gram].size());
    bytes.append(grams_[gram]);
    if (word_of_gram_[gram] != absent) wholes[word_of_gram_[gram]] = gram;
  }
  for (std::uint32_t word = 0; word < n_word(); ++word)
    word_sizes[word] = static_cast<std::uint32_t>(grams_of(word).size());
  for (const std::size_t count : {n_gram(), bytes.size(), n_word(), word_grams_.size()})
    out.value(std::uint64_t{count});
  out.values(gram_sizes);
  out.write(bytes);
  out.values(wholes);
  out.values(word_sizes);
  out.values(word_grams_);
}

QUIPU_INLINE ngram_vocabulary ngram_vocabulary::restore(const char_ngram_options& options, io::byte_reader& in) {
  ngram_vocabulary out(options);
  const auto n_gram = in.value<std::uint64_t>("how many n-grams"), n_byte = in.value<std::uint64_t>("their bytes");
  const auto n_word = in.value<std::uint64_t>("how many words"), n_entry = in.value<std::uint64_t>("their n-grams");
  const auto refuse = [&](const char* what, const char* expected, std::uint64_t got) {
    fail<format_error>(concat(in.place(), ": ", what), expected, got);
  };
  const auto gram_sizes = in.values<std::uint32_t>(n_gram, "lengths of n-grams");
  if (n_byte > in.left()) refuse("bytes of n-grams", "as many as there are", n_byte);
  const auto bytes = in.take(static_cast<std::size_t>(n_byte), "n-grams");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  out.grams_.reserve(gram_sizes.size(), text.size());
  std::size_t at = 0;
  for (const std::uint32_t size : gram_sizes) {
    if (size > text.size() - at) refuse("length of an n-gram", "no more than what is left", size);
    const std::size_t number = out.n_gram();
    if (out.grams_.insert(text.substr(at, size)) != number) refuse("n-gram", "a new one", number);
    at += size;
  }
  if (at != text.size()) refuse("bytes of n-grams", "the sum of their lengths", text.size());

  const auto wholes = in.values<std::uint32_t>(n_word, "words");
  const auto word_sizes = in.values<std::uint32_t>(n_word, "n-grams of words");
  out.word_grams_ = in.values<std::uint32_t>(n_entry, "n-grams of words");
  out.word_of_gram_.assign(out.n_gram(), absent);
  out.word_ends_.reserve(wholes.size());
  std::size_t end = 0;
  for (std::size_t word = 0; word < wholes.size(); ++word) {
    if (word_sizes[word] == 0 || word_sizes[word] > out.word_grams_.size() - end)
      refuse("n-grams of a word", "some, and no more than what is left", word_sizes[word]);
    std::uint32_t before = 0;
    bool has_whole = false;
    for (const std::size_t begin = end; end < begin + word_sizes[word]; ++end) {
      const std::uint32_t gram = out.word_grams_[end];
      if (gram < before || gram >= out.n_gram()) refuse("n-gram of a word", "ascending numbers of n-grams", gram);
      has_whole = has_whole || gram == wholes[word];
      before = gram;
    }
    if (!has_whole || out.word_of_gram_[wholes[word]] != absent) refuse("word", "one of its own n-grams", wholes[word]);
    out.word_of_gram_[wholes[word]] = static_cast<std::uint32_t>(word);
    out.word_ends_.push_back(end);
  }
  if (end != out.word_grams_.size()) refuse("n-grams of words", "the sum of their counts", out.word_grams_.size());
  return out;
}

QUIPU_INLINE std::size_t ngram_vocabulary::memory_bytes() const noexcept {
  return grams_.memory_bytes() + (word_of_gram_.capacity() + word_grams_.capacity()) * sizeof(std::uint32_t) +
         word_ends_.capacity() * sizeof(std::size_t);
}

}  // namespace quipu::notes

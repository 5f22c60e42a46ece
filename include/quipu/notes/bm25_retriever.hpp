/// @file BM25 over notes in memory: incremental, exact, and quick because it skips what cannot win.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/bm25_search.hpp>
#include <quipu/notes/inverted_index.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/scratch_pool.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>

namespace quipu::notes {

/// BM25 (Robertson and Zaragoza 2009, "The probabilistic relevance framework", eq. 3.15) with the idf that
/// is never negative:
///
///   score(q, n) = sum over distinct words w of q:  idf(w) f (k1 + 1) / (f + k1 (1 - b + b |n| / mean |n|))
///   idf(w) = ln(1 + (N - n_w + 1/2) / (n_w + 1/2))
///
/// A word of the question counts once, however often it occurs there. Counts above 65,535 count as that.
/// Notes without any word of the question are not returned.
///
/// Incremental equals bulk to the last bit: scores depend on whole-number statistics alone and are summed
/// in the order of the question's words. A query is exact; it reads the rarest words' notes first and
/// leaves out whole lists once they cannot change the best k (MaxScore, Turtle and Flood 1995, with the
/// single occurrences of a word apart from the repeated ones, and note lengths inside the lists).
///
/// @tparam Words  models `word_policy`
/// Cost: about 100 bytes a note. Threads: `retrieve` side by side, edits alone.
template <class Words = content_words>
class basic_bm25_retriever {
  static_assert(word_policy<Words>, "bm25_retriever: Words must cut a text into terms (see word_policy)");

 public:
  using words_type = Words;
  /// @throws config_error  options out of range
  explicit basic_bm25_retriever(const bm25_options& options = {}, Words words = {})
      : options_(options), words_(std::move(words)) {
    if (!(options.k1 > 0) || !std::isfinite(options.k1)) fail<config_error>("bm25: k1", "above 0", options.k1);
    if (!(options.b >= 0 && options.b <= 1)) fail<config_error>("bm25: b", "0 to 1", options.b);
  }

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::string_view text) {
    scratch_.clear();
    if constexpr (cuts_notes<Words>) {
      const std::size_t length = words_.note(text, scratch_);
      index_.add(id, scratch_, length);
    } else {
      words_(text, scratch_);
      index_.add(id, scratch_, scratch_.size());
    }
  }
  /// Adds a note whose words are given.
  void add_terms(note_id id, const term_list& terms) { index_.add(id, terms, terms.size()); }
  /// @return false if there is no note `id`
  bool erase(note_id id) { return index_.erase(id); }
  /// Replaces the text of a note, or adds it if it is not there.
  void update(note_id id, std::string_view text) {
    index_.erase(id);
    add(id, text);
  }
  void clear() { index_ = {}; }
  /// Makes room for so many notes in all.
  void reserve(std::size_t n_note) { index_.reserve(n_note); }

  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    const lease work(pool_);
    work->terms.clear();
    words_(query, work->terms);
    return engine().search(work->search, work->terms, k);
  }
  /// As `retrieve`, for a question whose words are given.
  [[nodiscard]] std::vector<scored_note> retrieve_terms(const term_list& terms, std::size_t k) const {
    const lease work(pool_);
    return engine().search(work->search, terms, k);
  }
  /// The score of one note, 0 if it shares no word with the question or is not there.
  [[nodiscard]] double score(std::string_view query, note_id id) const {
    const std::size_t place = index_.place_of(id);
    if (place == index_.n_place()) return 0;
    const lease work(pool_);
    work->terms.clear();
    words_(query, work->terms);
    return engine().score(work->search, work->terms, static_cast<std::uint32_t>(place));
  }
  /// Sum of the idf of the question's distinct words, those that no note has included: the scale of its
  /// scores. A score over this is comparable between questions and versions of the notes.
  [[nodiscard]] double query_weight(std::string_view query) const {
    term_list terms;
    words_(query, terms);
    double sum = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      bool seen = false;
      for (std::size_t j = 0; j < i && !seen; ++j) seen = terms[j] == terms[i];
      sum += seen ? 0 : idf(terms[i]);
    }
    return sum;
  }
  /// idf of one word as the policy spells it; the largest one if no note has it.
  [[nodiscard]] double idf(std::string_view term) const {
    const std::uint32_t number = index_.dictionary().find(term);
    return engine().idf_of(number == term_dictionary::absent ? 0 : index_.lists(number).n_live);
  }
  void save(io::atomic_file& out) const { index_.save(out); }
  void restore(io::byte_reader& in) { index_ = inverted_index::restore(in); }
  [[nodiscard]] static std::string cache_identity() { return concat("bm25 1 ", Words::identity()); }

  [[nodiscard]] const bm25_options& options() const noexcept { return options_; }
  [[nodiscard]] const Words& words() const noexcept { return words_; }

  [[nodiscard]] std::size_t memory_bytes() const { return index_.memory_bytes(); }

 private:
  struct workspace {
    term_list terms;
    bm25_search::workspace search;
  };
  using lease = typename scratch_pool<workspace>::lease;

  [[nodiscard]] bm25_search engine() const noexcept { return {options_, index_}; }

  bm25_options options_;
  Words words_;
  inverted_index index_;
  term_list scratch_;
  scratch_pool<workspace> pool_;
};

/// BM25 over the words that are no stop words.
using bm25_retriever = basic_bm25_retriever<>;
static_assert(note_retriever<bm25_retriever>);

}  // namespace quipu::notes

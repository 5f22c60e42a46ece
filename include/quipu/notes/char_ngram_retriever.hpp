/// @file Character n-grams of words: finds notes whose words are spelt or inflected differently.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // concat
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/ngram_index.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/scratch_pool.hpp>
#include <quipu/notes/word_tokens.hpp>

namespace quipu::notes {

/// Cosine of tf-idf vectors over the n-grams of "<word>" for every word, and "<word>" itself:
///
///   weight = (1 + ln f) idf,   idf = ln((1 + N) / (1 + N_g)) + 1,   ln(1 + N) for an n-gram of no note
///
/// Counts above 65,535 count as that. Incremental equals bulk to the last bit. The first query after an edit learns the
/// idf of all n-grams; now and then, when enough has changed, it computes the lengths of all notes' vectors.
///
/// @tparam Words  models `word_policy`
/// Cost: a query reads the words of all notes, one to two milliseconds for 100,000 short ones; about 200 bytes a note.
/// Threads: `retrieve` side by side, edits alone.
template <class Words = content_words>
class char_ngram_retriever {
  static_assert(word_policy<Words>, "char_ngram_retriever: Words must cut a text into terms (see word_policy)");

 public:
  using words_type = Words;

  /// @throws config_error  lengths out of order
  explicit char_ngram_retriever(const char_ngram_options& options = {}, Words words = {})
      : words_(std::move(words)), index_(options) {}

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::string_view text) {
    scratch_.clear();
    words_(text, scratch_);
    index_.add(id, scratch_);
  }
  /// @return false if there is no note `id`
  bool erase(note_id id) { return index_.erase(id); }
  /// Replaces the text of a note, or adds it if it is not there.
  void update(note_id id, std::string_view text) {
    erase(id);
    add(id, text);
  }
  void clear() { index_.clear(); }
  /// Makes room for so many notes in all.
  void reserve(std::size_t n_note) { index_.reserve(n_note); }

  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const { return index_.memory_bytes(); }

  /// Scores lie in 0..1; notes without a common n-gram are not returned.
  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    const lease work(pool_);
    work->words.clear();
    words_(query, work->words);
    return index_.search(work->search, work->words, k);
  }
  /// The score of one note; 0 if it is not there.
  [[nodiscard]] double score(std::string_view query, note_id id) const {
    const lease work(pool_);
    work->words.clear();
    words_(query, work->words);
    return index_.score(work->search, work->words, id);
  }

  /// For `search_cache`, as `bm25_retriever`'s. @throws io_error
  void save(io::atomic_file& out) const { index_.save(out); }
  /// Takes the notes that `save` wrote instead of its own. @throws format_error  damaged; its own notes stay
  void restore(io::byte_reader& in) { index_ = ngram_index::restore(index_.options(), in); }
  [[nodiscard]] std::string cache_identity() const {
    return concat("char n-grams 1 ", index_.options().shortest, "-", index_.options().longest, " ", Words::identity());
  }

 private:
  struct workspace {
    term_list words;
    ngram_index::workspace search;
  };
  using lease = typename scratch_pool<workspace>::lease;

  Words words_;
  ngram_index index_;
  term_list scratch_;
  scratch_pool<workspace> pool_;
};

static_assert(note_retriever<char_ngram_retriever<>>);

}  // namespace quipu::notes

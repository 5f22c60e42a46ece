/// @file An index of notes by the character n-grams of their words, kept word by word.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/ngram_vocabulary.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_places.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/word_tokens.hpp>  // term_list

namespace quipu::notes {

/// Notes as the numbers of their words, words as those of their n-grams: notes have hundreds of n-grams but few words,
/// and most words are in many notes. See `char_ngram_retriever` for the formula.
///
/// A query first learns what each word gives, then adds that up over the words of every note. As
/// 1 + ln(a + b) <= (1 + ln a) + (1 + ln b), no note scores more than its sum over its length; only what then may be
/// among the best is scored exactly, n-gram by n-gram.
///
/// The length of a note's vector depends on all notes. The lengths kept are those of an earlier state; from the n-gram
/// whose idf has fallen most since follows how much shorter a vector may have become. They are computed anew once that
/// is a quarter. So a query after an edit takes time proportional to the n-grams that differ, not to the notes.
///
/// Threads: `search` and `score` side by side, each with its workspace; edits alone.
class ngram_index {
 public:
  /// What a query keeps while it runs, to be used again for the next one.
  struct workspace {
    struct asked_gram {
      std::uint32_t gram;
      double factor;  // weight in the question's vector of length 1, times idf
    };
    term_list grams;
    std::vector<asked_gram> query;  // those of any note, in the order of their first appearance
    std::vector<std::uint32_t>
        numbers;               // by n-gram: its place in `query` and 1 more; these three are all zero between queries
    std::vector<float> gives;  // by word: what a note gets that has it once
    std::vector<std::uint32_t> counts;           // by n-gram, in one note
    std::vector<std::uint32_t> giving, present;  // which of `gives` and `counts` are not zero
    struct link {
      std::uint32_t asked, count, next;  // a place in `query`, how often the word has it; the word's next link
    };
    std::vector<link> links;
    std::vector<std::uint32_t> first;   // by word that gives something: its first link
    std::vector<std::uint32_t> shared;  // by place in `query`, in one note
  };

  /// @throws config_error  lengths of n-grams out of order
  explicit ngram_index(const char_ngram_options& options) : vocabulary_(options), ranks_(std::make_unique<ranks>()) {}

  /// @throws config_error  `id` is there already or not positive; more than 2^32 - 1 places
  void add(note_id id, const term_list& words);
  /// @return false if there is no note `id`
  bool erase(note_id id);
  void clear() { *this = ngram_index(options()); }
  void reserve(std::size_t n_note);

  [[nodiscard]] const char_ngram_options& options() const noexcept { return vocabulary_.options(); }
  [[nodiscard]] std::size_t size() const noexcept { return places_.n_live(); }
  [[nodiscard]] std::size_t memory_bytes() const;

  /// The best k notes for a question's words.
  [[nodiscard]] std::vector<scored_note> search(workspace& work, const term_list& words, std::size_t k) const;
  /// The score of one note; 0 if it is not there.
  [[nodiscard]] double score(workspace& work, const term_list& words, note_id id) const;

  /// Writes the notes that are there; `restore` gives an index that answers alike.
  void save(io::atomic_file& out) const;
  /// Reads what `save` wrote with the same options.
  /// @throws format_error  cut off, or numbers out of range
  [[nodiscard]] static ngram_index restore(const char_ngram_options& options, io::byte_reader& in);

 private:
  /// What follows from the notes, made by the first query that needs it.
  struct ranks {
    std::mutex mutex;
    bool fresh = false;           // nothing was edited since
    bool exact = true;            // the lengths are those of today
    double shrinkage = 1;         // no vector is shorter than this times what it was
    std::vector<double> idf;      // by n-gram, today
    std::vector<double> old_idf;  // and when the lengths were computed
    std::vector<double> inverse;  // 1 / length by place
    std::vector<float>
        reach;  // the same times 1 + ln f of the most frequent word: what the sum of a note is bounded by
    std::vector<std::uint32_t> gram_words;  // n-gram after n-gram: the first words that have it, as often as they do
    std::vector<std::size_t> gram_ends;     // by n-gram
    std::size_t n_listed = 0;               // so many words are in these lists
  };

  [[nodiscard]] std::size_t n_place() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t begin_of(std::size_t place) const noexcept {
    return place == 0 ? 0 : note_ends_[place - 1];
  }
  [[nodiscard]] double idf(std::size_t n_with) const noexcept;
  [[nodiscard]] static double level(std::uint32_t count) noexcept;
  void count_note(std::size_t place, int change);
  void compact();

  void weigh(std::vector<double>& idfs) const;
  void refresh(bool exactly) const;
  void list_words() const;
  [[nodiscard]] double inverse_length(workspace& work, std::size_t place, const std::vector<double>& idf) const;
  void prepare(workspace& work, const term_list& words) const;
  void spread(workspace& work) const;
  static void give(workspace& work, std::uint32_t word, std::uint32_t asked, std::uint32_t count);
  static void take_back(workspace& work);
  [[nodiscard]] double score_at(workspace& work, std::size_t place) const;

  ngram_vocabulary vocabulary_;
  std::vector<std::uint32_t> n_with_;  // by n-gram: notes that have it
  note_places places_;
  std::vector<std::size_t> note_ends_;          // by place
  std::vector<std::uint32_t> words_;            // note after note, distinct, ascending
  std::vector<std::uint16_t> word_counts_;      // beside them, at most 65,535
  std::vector<std::uint32_t> numbers_, marks_;  // while editing: words of a note; which note had an n-gram last
  std::uint32_t mark_ = 0;
  std::unique_ptr<ranks> ranks_;
};

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/ngram_index.ipp>
#endif

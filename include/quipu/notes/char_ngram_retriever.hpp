/// @file Character n-grams of words: finds notes whose words are spelt or inflected differently.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/inverted_index.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/scratch_pool.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>

namespace quipu::notes {

struct char_ngram_options {
  std::size_t shortest = 3;  ///< characters, the brackets around a word included
  std::size_t longest = 5;
};

/// Cosine of tf-idf vectors over the n-grams of "<word>" for every word, and "<word>" itself:
///
///   weight = (1 + ln f) idf,   idf = ln((1 + N) / (1 + N_g)) + 1,   ln(1 + N) for an n-gram of no note
///
/// Incremental equals bulk to the last bit. The lengths of the notes' vectors depend on all notes; they are
/// recomputed by the first query after an edit, in time proportional to all n-grams.
///
/// Threads: `retrieve` side by side, edits alone.
template <class Words = content_words>
class char_ngram_retriever {
  static_assert(word_policy<Words>, "char_ngram_retriever: Words must cut a text into terms (see word_policy)");

 public:
  using words_type = Words;

  /// @throws config_error  lengths out of order
  explicit char_ngram_retriever(const char_ngram_options& options = {}, Words words = {})
      : options_(options), words_(std::move(words)), norms_(std::make_unique<norms>()) {
    if (options.shortest < 1 || options.longest < options.shortest || options.longest > 64) {
      fail<config_error>("char n-grams: lengths", "1 <= shortest <= longest <= 64",
                         concat(options.shortest, " and ", options.longest));
    }
  }

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::string_view text) {
    const lease work(pool_);
    split(text, *work);
    index_.add(id, work->grams, work->grams.size());
    norms_->fresh = false;
  }
  bool erase(note_id id) {
    norms_->fresh = false;
    return index_.erase(id);
  }
  void update(note_id id, std::string_view text) {
    erase(id);
    add(id, text);
  }
  void clear() {
    index_ = {};
    norms_->fresh = false;
  }
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const { return index_.memory_bytes(); }

  /// Scores lie in 0..1; notes without a common n-gram are not returned.
  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    refresh();
    const lease work(pool_);
    add_up(query, *work);
    top_notes best(k);
    for (std::uint32_t place = 0; place < index_.n_place(); ++place) {
      const double score = std::exchange(work->sums[place], 0.0);
      if (score > 0 && index_.id_at(place) != no_note) best.offer(index_.id_at(place), score);
    }
    return best.take();
  }
  /// The score of one note; 0 if it is not there.
  [[nodiscard]] double score(std::string_view query, note_id id) const {
    refresh();
    const lease work(pool_);
    add_up(query, *work);
    const std::size_t place = index_.place_of(id);
    const double found = place < index_.n_place() ? work->sums[place] : 0;
    std::fill(work->sums.begin(), work->sums.end(), 0.0);
    return found;
  }

 private:
  struct workspace {
    term_list words, grams;
    std::string bracketed;
    std::vector<std::size_t> starts;  // of the characters of `bracketed`
    std::vector<double> sums;         // by place, all zero between queries
  };
  using lease = typename scratch_pool<workspace>::lease;
  struct norms {
    std::mutex mutex;
    bool fresh = false;
    std::vector<double> inverse;  // by place
  };

  void split(std::string_view text, workspace& work) const {
    work.words.clear();
    work.grams.clear();
    words_(text, work.words);
    for (std::size_t i = 0; i < work.words.size(); ++i) {
      work.bracketed.assign(1, '<').append(work.words[i]).push_back('>');
      work.starts.clear();
      for (std::size_t at = 0; at < work.bracketed.size(); ++at) {
        if ((static_cast<std::uint8_t>(work.bracketed[at]) & 0xc0u) != 0x80u) work.starts.push_back(at);
      }
      work.starts.push_back(work.bracketed.size());
      const std::size_t n_char = work.starts.size() - 1;
      const std::string_view whole = work.bracketed;
      for (std::size_t n = options_.shortest; n <= options_.longest; ++n) {
        for (std::size_t at = 0; at + n <= n_char; ++at) {
          work.grams.push_back(whole.substr(work.starts[at], work.starts[at + n] - work.starts[at]));
        }
      }
      work.grams.push_back(whole);
    }
  }
  [[nodiscard]] double idf(std::uint32_t term) const noexcept {
    const auto n_note = static_cast<double>(index_.size());
    const std::uint32_t n_with = term == term_dictionary::absent ? 0 : index_.lists(term).n_live;
    return n_with == 0 ? std::log(1 + n_note) : std::log((1 + n_note) / (1.0 + n_with)) + 1;
  }

  void add_up(std::string_view query, workspace& work) const {
    if (work.sums.size() < index_.n_place()) work.sums.resize(index_.n_place(), 0.0);
    split(query, work);
    // Distinct n-grams with their counts, in the order of their first appearance.
    term_dictionary own;
    std::vector<double> counts;
    for (std::size_t i = 0; i < work.grams.size(); ++i) {
      const std::uint32_t number = own.insert(work.grams[i]);
      if (number == counts.size()) counts.push_back(0);
      ++counts[number];
    }
    std::vector<std::uint32_t> terms(counts.size());
    double squares = 0;
    for (std::uint32_t g = 0; g < counts.size(); ++g) {
      terms[g] = index_.dictionary().find(own[g]);
      counts[g] = (1 + std::log(counts[g])) * idf(terms[g]);
      squares += counts[g] * counts[g];
    }
    const double length = squares > 0 ? std::sqrt(squares) : 1;
    for (std::size_t g = 0; g < terms.size(); ++g) {
      if (terms[g] == term_dictionary::absent) continue;
      const double factor = counts[g] / length * idf(terms[g]);
      const auto& lists = index_.lists(terms[g]);
      for (const auto& p : lists.single) work.sums[p.place] += factor * norms_->inverse[p.place];
      for (const auto& p : lists.repeated) {
        work.sums[p.place] += factor * (1 + std::log(static_cast<double>(p.count))) * norms_->inverse[p.place];
      }
    }
  }
  void refresh() const {
    const std::lock_guard lock(norms_->mutex);
    if (norms_->fresh) return;
    norms_->inverse.assign(index_.n_place(), 0);
    for (std::uint32_t place = 0; place < index_.n_place(); ++place) {
      if (index_.id_at(place) == no_note) continue;
      // Whole numbers, so that the sum does not depend on the order of the terms.
      std::uint64_t squares = 0;
      for (const auto& term : index_.terms_of(place)) {
        const double weight = (1 + std::log(static_cast<double>(term.count))) * idf(term.term);
        squares += static_cast<std::uint64_t>(std::min(weight * weight * 0x1p32, 0x1p50));
      }
      if (squares > 0) norms_->inverse[place] = 1 / std::sqrt(static_cast<double>(squares) * 0x1p-32);
    }
    norms_->fresh = true;
  }

  char_ngram_options options_;
  Words words_;
  inverted_index index_;
  std::unique_ptr<norms> norms_;
  scratch_pool<workspace> pool_;
};

static_assert(note_retriever<char_ngram_retriever<>>);

}  // namespace quipu::notes

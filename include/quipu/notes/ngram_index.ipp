// What ngram_index.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/ngram_index.hpp>

namespace quipu::notes {

QUIPU_INLINE void ngram_index::add(note_id id, const term_list& words) {
  places_.check(id);
  numbers_.clear();
  for (std::size_t i = 0; i < words.size(); ++i) numbers_.push_back(vocabulary_.insert(words[i]));
  std::sort(numbers_.begin(), numbers_.end());
  for (std::size_t i = 0, end = 0; i < numbers_.size(); i = end) {
    while (end < numbers_.size() && numbers_[end] == numbers_[i]) ++end;
    words_.push_back(numbers_[i]);
    word_counts_.push_back(static_cast<std::uint16_t>(std::min<std::size_t>(end - i, 0xffff)));
  }
  places_.push_back(id);
  note_ends_.push_back(words_.size());
  count_note(n_place() - 1, 1);
}

QUIPU_INLINE bool ngram_index::erase(note_id id) {
  const std::size_t place = places_.find(id);
  if (place == n_place()) return false;
  count_note(place, -1);
  places_.erase(place);
  if (n_place() - size() > size() / 4 + 64) compact();
  return true;
}

QUIPU_INLINE void ngram_index::reserve(std::size_t n_note) {
  places_.reserve(n_note);
  note_ends_.reserve(n_note);
}

/// Counts the distinct n-grams of a note in or out.
QUIPU_INLINE void ngram_index::count_note(std::size_t place, int change) {
  n_with_.resize(vocabulary_.n_gram(), 0);
  marks_.resize(vocabulary_.n_gram(), 0);
  if (++mark_ == 0) {
    std::fill(marks_.begin(), marks_.end(), 0);
    mark_ = 1;
  }
  for (std::size_t i = begin_of(place); i < note_ends_[place]; ++i) {
    for (const std::uint32_t gram : vocabulary_.grams_of(words_[i])) {
      if (std::exchange(marks_[gram], mark_) == mark_) continue;
      // Only a file that lies about its counts makes them fall below 0.
      if (change > 0 || n_with_[gram] > 0) n_with_[gram] += static_cast<std::uint32_t>(change);
    }
  }
  ranks_->fresh = false;
}

/// Renumbers the places by the ids of their notes, without the erased ones. Words keep their numbers.
QUIPU_INLINE void ngram_index::compact() {
  std::vector<note_id> ids;
  std::vector<std::size_t> ends;
  std::vector<std::uint32_t> words;
  std::vector<std::uint16_t> counts;
  for (const std::uint32_t place : places_.in_order()) {
    const auto begin = static_cast<std::ptrdiff_t>(begin_of(place)),
               end = static_cast<std::ptrdiff_t>(note_ends_[place]);
    ids.push_back(places_.id_at(place));
    words.insert(words.end(), words_.begin() + begin, words_.begin() + end);
    counts.insert(counts.end(), word_counts_.begin() + begin, word_counts_.begin() + end);
    ends.push_back(words.size());
  }
  places_ = note_places(std::move(ids));
  note_ends_ = std::move(ends);
  words_ = std::move(words);
  word_counts_ = std::move(counts);
  ranks_->inverse.clear();
  ranks_->reach.clear();
  ranks_->old_idf.clear();
}

QUIPU_INLINE double ngram_index::idf(std::size_t n_with) const noexcept {
  const auto n_note = static_cast<double>(size());
  return n_with == 0 ? std::log(1 + n_note)
                     : std::log((1 + n_note) / (1 + static_cast<double>(std::min(n_with, size())))) + 1;
}

QUIPU_INLINE double ngram_index::level(std::uint32_t count) noexcept {
  return count == 1 ? 1 : 1 + std::log(static_cast<double>(count));
}

/// The idf of every n-gram.
QUIPU_INLINE void ngram_index::weigh(std::vector<double>& idfs) const {
  std::vector<double> few;  // most n-grams are in few notes
  for (std::size_t n = 0; n < 256; ++n) few.push_back(idf(n));
  idfs.resize(n_with_.size());
  for (std::size_t g = 0; g < n_with_.size(); ++g)
    idfs[g] = n_with_[g] < few.size() ? few[n_with_[g]] : idf(n_with_[g]);
}

/// @param exactly  the lengths are to be those of today
QUIPU_INLINE void ngram_index::refresh(bool exactly) const {
  ranks& r = *ranks_;
  const std::lock_guard lock(r.mutex);
  if (r.fresh && (r.exact || !exactly)) return;
  weigh(r.idf);
  // Notes with n-grams that are new here have no length yet.
  r.old_idf.insert(r.old_idf.end(), r.idf.begin() + static_cast<std::ptrdiff_t>(r.old_idf.size()), r.idf.end());
  r.exact = true;
  r.shrinkage = 1;
  for (std::size_t g = 0; g < n_with_.size(); ++g) {
    if (n_with_[g] == 0 || r.idf[g] == r.old_idf[g]) continue;
    r.exact = false;
    r.shrinkage = std::min(r.shrinkage, r.idf[g] / r.old_idf[g]);
  }
  if (!r.exact && (exactly || r.shrinkage < 0.75)) {
    r.old_idf = r.idf;
    r.inverse.clear();
    r.reach.clear();
    r.exact = true;
    r.shrinkage = 1;
  }
  if (r.inverse.size() < n_place()) {
    workspace work;
    work.counts.resize(n_with_.size());
    for (std::size_t place = r.inverse.size(); place < n_place(); ++place) {
      r.inverse.push_back(places_.is_live(place) ? inverse_length(work, place, r.old_idf) : 0);
    }
  }
  for (std::size_t place = r.reach.size(); place < n_place(); ++place) {
    std::uint16_t most = 1;
    for (std::size_t i = begin_of(place); i < note_ends_[place]; ++i) most = std::max(most, word_counts_[i]);
    r.reach.push_back(static_cast<float>(r.inverse[place] * level(most)));
  }
  // Words that came after the lists were made are looked at one by one; there may be few of them.
  if (vocabulary_.n_word() - r.n_listed > r.n_listed / 8 + 256) list_words();
  r.fresh = true;
}

QUIPU_INLINE void ngram_index::list_words() const {
  ranks& r = *ranks_;
  r.n_listed = vocabulary_.n_word();
  std::vector<std::size_t> next(vocabulary_.n_gram() + 1, 0);
  for (std::uint32_t word = 0; word < r.n_listed; ++word) {
    for (const std::uint32_t gram : vocabulary_.grams_of(word)) ++next[gram + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  r.gram_words.resize(next.back());
  r.gram_ends.assign(next.begin() + 1, next.end());
  for (std::uint32_t word = 0; word < r.n_listed; ++word) {
    for (const std::uint32_t gram : vocabulary_.grams_of(word)) r.gram_words[next[gram]++] = word;
  }
}

/// 1 / length of a note; 0 if it has no words.
QUIPU_INLINE double ngram_index::inverse_length(workspace& work, std::size_t place,
                                                const std::vector<double>& idf) const {
  for (std::size_t i = begin_of(place); i < note_ends_[place]; ++i) {
    for (const std::uint32_t gram : vocabulary_.grams_of(words_[i])) {
      std::uint32_t& count = work.counts[gram];
      if (count == 0) work.present.push_back(gram);
      count = std::min<std::uint32_t>(count + word_counts_[i], 0xffff);
    }
  }
  // Whole numbers, so that the sum does not depend on the order of the n-grams.
  std::uint64_t squares = 0;
  for (const std::uint32_t gram : work.present) {
    const double weight = level(std::exchange(work.counts[gram], 0)) * idf[gram];
    squares += static_cast<std::uint64_t>(std::min(weight * weight * 0x1p32, 0x1p50));
  }
  work.present.clear();
  return squares > 0 ? 1 / std::sqrt(static_cast<double>(squares) * 0x1p-32) : 0;
}

QUIPU_INLINE void ngram_index::prepare(workspace& work, const term_list& words) const {
  work.counts.resize(n_with_.size());
  work.numbers.resize(n_with_.size());
  work.gives.resize(vocabulary_.n_word());
  work.first.resize(vocabulary_.n_word());
  work.query.clear();
  work.grams.clear();
  for (std::size_t i = 0; i < words.size(); ++i) vocabulary_.cut(words[i], work.grams);
  // Distinct n-grams with their counts, in the order of their first appearance.
  term_dictionary own;
  std::vector<double> weights;
  for (std::size_t i = 0; i < work.grams.size(); ++i) {
    const std::uint32_t number = own.insert(work.grams[i]);
    if (number == weights.size()) weights.push_back(0);
    ++weights[number];
  }
  const double unknown = idf(0);
  double squares = 0;
  for (std::uint32_t g = 0; g < weights.size(); ++g) {
    const std::uint32_t number = vocabulary_.find_gram(own[g]);
    const double rarity = number == ngram_vocabulary::absent ? unknown : ranks_->idf[number];
    weights[g] = (1 + std::log(weights[g])) * rarity;
    squares += weights[g] * weights[g];
    if (number != ngram_vocabulary::absent) work.query.push_back({number, weights[g]});
  }
  const double length = squares > 0 ? std::sqrt(squares) : 1;
  for (auto& asked : work.query) asked.factor = asked.factor / length * ranks_->idf[asked.gram];
}

QUIPU_INLINE void ngram_index::give(workspace& work, std::uint32_t word, std::uint32_t asked, std::uint32_t count) {
  const bool known = work.gives[word] != 0;
  if (!known) work.giving.push_back(word);
  work.gives[word] += static_cast<float>(work.query[asked].factor * level(count));
  const auto number = static_cast<std::uint32_t>(work.links.size());
  work.links.push_back({asked, count, known ? work.first[word] : ngram_vocabulary::absent});
  work.first[word] = number;
}
QUIPU_INLINE void ngram_index::take_back(workspace& work) {
  for (const std::uint32_t word : work.giving) work.gives[word] = 0;
  work.giving.clear();
  work.links.clear();
}

/// Fills in what each word gives to a note that has it once.
QUIPU_INLINE void ngram_index::spread(workspace& work) const {
  const ranks& r = *ranks_;
  const auto n_asked = static_cast<std::uint32_t>(work.query.size());
  for (std::uint32_t asked = 0; asked < n_asked; ++asked) {
    const std::uint32_t gram = work.query[asked].gram;
    if (gram >= r.gram_ends.size()) continue;
    const std::size_t end = r.gram_ends[gram];
    for (std::size_t i = gram == 0 ? 0 : r.gram_ends[gram - 1]; i < end;) {
      const std::uint32_t word = r.gram_words[i];
      std::uint32_t count = 0;
      for (; i < end && r.gram_words[i] == word; ++i) ++count;
      give(work, word, asked, count);
    }
  }
  if (r.n_listed == vocabulary_.n_word()) return;
  for (std::uint32_t asked = 0; asked < n_asked; ++asked) work.numbers[work.query[asked].gram] = asked + 1;
  for (auto word = static_cast<std::uint32_t>(r.n_listed); word < vocabulary_.n_word(); ++word) {
    const auto grams = vocabulary_.grams_of(word);
    for (std::size_t i = 0; i < grams.size();) {
      const std::uint32_t gram = grams[i];
      std::uint32_t count = 0;
      for (; i < grams.size() && grams[i] == gram; ++i) ++count;
      if (work.numbers[gram] > 0) give(work, word, work.numbers[gram] - 1, count);
    }
  }
  for (const auto& asked : work.query) work.numbers[asked.gram] = 0;
}

QUIPU_INLINE double ngram_index::score_at(workspace& work, std::size_t place) const {
  const ranks& r = *ranks_;
  work.shared.assign(work.query.size(), 0);
  for (std::size_t i = begin_of(place); i < note_ends_[place]; ++i) {
    if (work.gives[words_[i]] == 0) continue;
    for (std::uint32_t at = work.first[words_[i]]; at != ngram_vocabulary::absent; at = work.links[at].next) {
      std::uint32_t& count = work.shared[work.links[at].asked];
      const std::uint64_t more = std::uint64_t{word_counts_[i]} * work.links[at].count;
      count = static_cast<std::uint32_t>(std::min<std::uint64_t>(count + more, 0xffff));
    }
  }
  const double inverse = r.exact ? r.inverse[place] : inverse_length(work, place, r.idf);
  double sum = 0;
  for (std::size_t asked = 0; asked < work.query.size(); ++asked) {
    const double factor = work.query[asked].factor;
    const std::uint32_t count = work.shared[asked];
    if (count > 0) sum += (count == 1 ? factor : factor * level(count)) * inverse;
  }
  return sum;
}

QUIPU_INLINE std::vector<scored_note> ngram_index::search(workspace& work, const term_list& words,
                                                          std::size_t k) const {
  top_notes best(k);
  if (k == 0 || size() == 0) return best.take();
  refresh(false);
  prepare(work, words);
  spread(work);
  const ranks& r = *ranks_;
  const float* const gives = work.gives.data();
  const std::uint32_t* const words_of_notes = words_.data();
  float least = 0;
  for (std::size_t place = 0, i = 0; place < n_place(); ++place) {
    float sum = 0;
    for (const std::size_t end = note_ends_[place]; i < end; ++i) sum += gives[words_of_notes[i]];
    if (sum <= 0 || sum * r.reach[place] < least || !places_.is_live(place)) continue;
    if (const double score = score_at(work, place); score > 0) {
      best.offer(places_.id_at(place), score);
      // Sums of floats may err by this much.
      least = static_cast<float>(best.threshold(0) * r.shrinkage * (1 - 1e-5));
    }
  }
  take_back(work);
  return best.take();
}

QUIPU_INLINE double ngram_index::score(workspace& work, const term_list& words, note_id id) const {
  const std::size_t place = places_.find(id);
  if (place == n_place()) return 0;
  refresh(false);
  prepare(work, words);
  spread(work);
  const double found = score_at(work, place);
  take_back(work);
  return found;
}

QUIPU_INLINE void ngram_index::save(io::atomic_file& out) const {
  refresh(true);
  std::vector<note_id> ids;
  std::vector<double> inverse;
  std::vector<std::uint32_t> sizes, words;
  std::vector<std::uint16_t> counts;
  for (const std::uint32_t place : places_.in_order()) {
    ids.push_back(places_.id_at(place));
    inverse.push_back(ranks_->inverse[place]);
    sizes.push_back(static_cast<std::uint32_t>(note_ends_[place] - begin_of(place)));
    for (std::size_t i = begin_of(place); i < note_ends_[place]; ++i) {
      words.push_back(words_[i]);
      counts.push_back(word_counts_[i]);
    }
  }
  vocabulary_.save(out);
  out.value(std::uint64_t{ids.size()});
  out.value(std::uint64_t{words.size()});
  out.values(n_with_);
  out.values(ids);
  out.values(inverse);
  out.values(sizes);
  out.values(words);
  out.values(counts);
}

QUIPU_INLINE ngram_index ngram_index::restore(const char_ngram_options& options, io::byte_reader& in) {
  ngram_index out(options);
  const auto refuse = [&](const char* what, const char* expected, auto got) {
    fail<format_error>(concat(in.place(), ": ", what), expected, got);
  };
  out.vocabulary_ = ngram_vocabulary::restore(options, in);
  const auto n_note = in.value<std::uint64_t>("how many notes"), n_word = in.value<std::uint64_t>("words of notes");
  out.n_with_ = in.values<std::uint32_t>(out.vocabulary_.n_gram(), "notes with an n-gram");
  auto ids = in.values<note_id>(n_note, "note ids");
  out.ranks_->inverse = in.values<double>(n_note, "lengths of notes");
  const auto sizes = in.values<std::uint32_t>(n_note, "words of notes");
  out.words_ = in.values<std::uint32_t>(n_word, "words of notes");
  out.word_counts_ = in.values<std::uint16_t>(n_word, "counts of words");
  if (n_note >= std::numeric_limits<std::uint32_t>::max()) refuse("notes", "below 2^32 - 1", n_note);
  for (const std::uint32_t n_with : out.n_with_) {
    if (n_with > n_note) refuse("notes with an n-gram", "no more than there are", n_with);
  }
  out.note_ends_.reserve(sizes.size());
  std::size_t end = 0;
  note_id before = no_note;
  for (std::size_t place = 0; place < sizes.size(); ++place) {
    if (ids[place] <= before) refuse("note id", "positive and ascending", ids[place]);
    before = ids[place];
    if (sizes[place] > out.words_.size() - end) refuse("words of a note", "no more than what is left", sizes[place]);
    for (const std::size_t begin = end; end < begin + sizes[place]; ++end) {
      const bool ascends = end == begin || out.words_[end] > out.words_[end - 1];
      if (!ascends || out.words_[end] >= out.vocabulary_.n_word())
        refuse("word of a note", "ascending numbers of words", out.words_[end]);
      if (out.word_counts_[end] == 0) refuse("count of a word", "above 0", 0);
    }
    // No n-gram weighs less than 1, so no vector is shorter.
    const double inverse = out.ranks_->inverse[place];
    if (sizes[place] == 0 ? inverse != 0 : !(inverse > 0 && inverse <= 1))
      refuse("length of a note", "at least 1", inverse);
    out.note_ends_.push_back(end);
  }
  if (end != out.words_.size()) refuse("words of notes", "the sum of their counts", out.words_.size());
  out.places_ = note_places(std::move(ids));
  // The lengths are those of this state, whatever is edited before the first query.
  out.weigh(out.ranks_->old_idf);
  return out;
}

QUIPU_INLINE std::size_t ngram_index::memory_bytes() const {
  const std::lock_guard lock(ranks_->mutex);
  return vocabulary_.memory_bytes() + n_with_.capacity() * sizeof(std::uint32_t) + places_.memory_bytes() +
         note_ends_.capacity() * sizeof(std::size_t) +
         (words_.capacity() + numbers_.capacity() + marks_.capacity()) * sizeof(std::uint32_t) +
         word_counts_.capacity() * sizeof(std::uint16_t) +
         (ranks_->idf.capacity() + ranks_->old_idf.capacity() + ranks_->inverse.capacity()) * sizeof(double) +
         ranks_->gram_words.capacity() * sizeof(std::uint32_t) + ranks_->gram_ends.capacity() * sizeof(std::size_t);
}

}  // namespace quipu::notes

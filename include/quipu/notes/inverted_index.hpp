/// @file Which notes contain a term, and which terms a note contains: the data under lexical retrievers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>  // term_list

namespace quipu::notes {

/// Inverted and forward index of notes, numbered by places in the order of their coming. Erased notes keep
/// their postings until enough of them have gathered; then the places are renumbered.
///
/// Counts of a term in a note and lengths of notes saturate at 65,535.
class inverted_index {
 public:
  struct posting {
    std::uint32_t place;   // of the note, ascending in a list
    std::uint16_t count;   // of the term in the note
    std::uint16_t length;  // of the note, in terms
  };
  struct forward_term {
    std::uint32_t term;
    std::uint16_t count;
  };
  /// The notes with a term. Those that have it once are apart from the others, because their scores have
  /// tighter bounds.
  struct term_lists {
    std::vector<posting> single, repeated;
    std::uint32_t n_live = 0;  ///< notes with the term that are not erased
    std::uint16_t min_single = 0xffff, min_repeated = 0xffff;  ///< least lengths; erased notes may count
    std::uint16_t max_count = 0;

    void add(const posting& p) {
      ++n_live;
      (p.count == 1 ? single : repeated).push_back(p);
      std::uint16_t& least = p.count == 1 ? min_single : min_repeated;
      least = std::min(least, p.length);
      max_count = std::max(max_count, p.count);
    }
  };

  /// @throws config_error  `id` is there already or not positive; more than 2^32 - 1 places
  void add(note_id id, const term_list& terms) {
    if (id <= no_note) fail<config_error>("index: note id", "a positive number", id);
    if (place_of_.count(id) != 0) fail<config_error>("index: note id", "one that is not there yet", id);
    if (ids_.size() >= std::numeric_limits<std::uint32_t>::max()) throw config_error("index: more than 2^32 - 1 notes");
    numbers_.clear();
    for (std::size_t i = 0; i < terms.size(); ++i) numbers_.push_back(dictionary_.insert(terms[i]));
    if (lists_.size() < dictionary_.size()) lists_.resize(dictionary_.size());
    std::sort(numbers_.begin(), numbers_.end());
    const auto place = static_cast<std::uint32_t>(ids_.size());
    const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(numbers_.size(), 0xffff));
    for (std::size_t i = 0, end = 0; i < numbers_.size(); i = end) {
      while (end < numbers_.size() && numbers_[end] == numbers_[i]) ++end;
      const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(end - i, 0xffff));
      lists_[numbers_[i]].add({place, count, length});
      forward_.push_back({numbers_[i], count});
    }
    place_note(id, length);
  }
  /// @return false where there is no note `id`
  bool erase(note_id id) {
    const auto found = place_of_.find(id);
    if (found == place_of_.end()) return false;
    const std::uint32_t place = found->second;
    for (const forward_term& term : terms_of(place)) --lists_[term.term].n_live;
    total_length_ -= lengths_[place];
    ids_[place] = no_note;
    place_of_.erase(found);
    if (ids_.size() - place_of_.size() > place_of_.size() / 4 + 64) compact();
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return place_of_.size(); }
  /// Places, those of erased notes included.
  [[nodiscard]] std::size_t n_place() const noexcept { return ids_.size(); }
  /// no_note where the note was erased.
  [[nodiscard]] note_id id_at(std::uint32_t place) const noexcept { return ids_[place]; }
  [[nodiscard]] std::uint16_t length_at(std::uint32_t place) const noexcept { return lengths_[place]; }
  /// Sum of the lengths of all notes.
  [[nodiscard]] std::uint64_t total_length() const noexcept { return total_length_; }
  /// n_place() where there is no note `id`.
  [[nodiscard]] std::size_t place_of(note_id id) const {
    const auto found = place_of_.find(id);
    return found == place_of_.end() ? n_place() : found->second;
  }
  [[nodiscard]] const term_dictionary& dictionary() const noexcept { return dictionary_; }
  [[nodiscard]] const term_lists& lists(std::uint32_t term) const noexcept { return lists_[term]; }
  /// Distinct terms of a note, ascending by number.
  [[nodiscard]] std::span<const forward_term> terms_of(std::uint32_t place) const noexcept {
    const std::size_t begin = place == 0 ? 0 : forward_ends_[place - 1];
    return {forward_.data() + begin, forward_ends_[place] - begin};
  }
  /// How often a note has a term.
  [[nodiscard]] std::uint16_t count_in(std::uint32_t place, std::uint32_t term) const noexcept {
    const std::span<const forward_term> terms = terms_of(place);
    if (terms.size() <= 32) {
      for (const forward_term& t : terms) {
        if (t.term == term) return t.count;
      }
      return 0;
    }
    const auto found = std::lower_bound(terms.begin(), terms.end(), term,
                                        [](const forward_term& t, std::uint32_t number) { return t.term < number; });
    return found != terms.end() && found->term == term ? found->count : std::uint16_t{0};
  }
  /// What the index holds in memory, in bytes (the table of ids estimated).
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t sum = dictionary_.memory_bytes() + forward_.capacity() * sizeof(forward_term) +
                      forward_ends_.capacity() * sizeof(std::size_t) + ids_.capacity() * sizeof(note_id) +
                      lengths_.capacity() * sizeof(std::uint16_t) + lists_.capacity() * sizeof(term_lists) +
                      place_of_.size() * 40;
    for (const term_lists& list : lists_) {
      sum += (list.single.capacity() + list.repeated.capacity()) * sizeof(posting);
    }
    return sum;
  }

 private:
  void place_note(note_id id, std::uint16_t length) {
    place_of_.emplace(id, static_cast<std::uint32_t>(ids_.size()));
    ids_.push_back(id);
    lengths_.push_back(length);
    forward_ends_.push_back(forward_.size());
    total_length_ += length;
  }
  /// Renumbers the places without the erased ones. Terms keep their numbers.
  void compact() {
    inverted_index fresh;
    fresh.dictionary_ = std::move(dictionary_);
    fresh.lists_.resize(lists_.size());
    for (std::uint32_t place = 0; place < ids_.size(); ++place) {
      if (ids_[place] == no_note) continue;
      const auto moved = static_cast<std::uint32_t>(fresh.ids_.size());
      for (const forward_term& term : terms_of(place)) {
        fresh.lists_[term.term].add({moved, term.count, lengths_[place]});
        fresh.forward_.push_back(term);
      }
      fresh.place_note(ids_[place], lengths_[place]);
    }
    *this = std::move(fresh);
  }

  term_dictionary dictionary_;
  std::vector<term_lists> lists_;          // by term
  std::vector<forward_term> forward_;      // note after note
  std::vector<std::size_t> forward_ends_;  // by place
  std::vector<note_id> ids_;               // by place
  std::vector<std::uint16_t> lengths_;     // by place
  std::unordered_map<note_id, std::uint32_t> place_of_;
  std::uint64_t total_length_ = 0;
  std::vector<std::uint32_t> numbers_;  // while adding
};

}  // namespace quipu::notes

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
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/unaligned.hpp>
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
    std::uint16_t length;  // of the note, in terms that count
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

  /// @param n_counted  terms that make the note's length; above 0 if there are terms
  /// @throws config_error  `id` is there already or not positive; more than 2^32 - 1 places
  void add(note_id id, const term_list& terms, std::size_t n_counted) {
    if (id <= no_note) fail<config_error>("index: note id", "a positive number", id);
    if (place_of_.count(id) != 0) fail<config_error>("index: note id", "one that is not there yet", id);
    if (ids_.size() >= std::numeric_limits<std::uint32_t>::max()) throw config_error("index: more than 2^32 - 1 notes");
    numbers_.clear();
    for (std::size_t i = 0; i < terms.size(); ++i) numbers_.push_back(dictionary_.insert(terms[i]));
    if (lists_.size() < dictionary_.size()) lists_.resize(dictionary_.size());
    std::sort(numbers_.begin(), numbers_.end());
    const auto place = static_cast<std::uint32_t>(ids_.size());
    const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(n_counted, 0xffff));
    for (std::size_t i = 0, end = 0; i < numbers_.size(); i = end) {
      while (end < numbers_.size() && numbers_[end] == numbers_[i]) ++end;
      const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(end - i, 0xffff));
      lists_[numbers_[i]].add({place, count, length});
      forward_.push_back({numbers_[i], count});
    }
    place_note(id, length);
  }
  /// Makes room for so many places in all.
  void reserve(std::size_t n_note) {
    place_of_.reserve(n_note);
    ids_.reserve(n_note);
    lengths_.reserve(n_note);
    forward_ends_.reserve(n_note);
  }
  /// @return false if there is no note `id`
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
  /// no_note if the note was erased.
  [[nodiscard]] note_id id_at(std::uint32_t place) const noexcept { return ids_[place]; }
  [[nodiscard]] std::uint16_t length_at(std::uint32_t place) const noexcept { return lengths_[place]; }
  /// Sum of the lengths of all notes.
  [[nodiscard]] std::uint64_t total_length() const noexcept { return total_length_; }
  /// n_place() if there is no note `id`.
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
  /// Writes the notes that are there; `restore` gives an index that answers alike.
  void save(io::atomic_file& out) const {
    std::uint64_t n_forward = 0;
    for (std::uint32_t place = 0; place < ids_.size(); ++place)
      n_forward += ids_[place] == no_note ? 0 : terms_of(place).size();
    for (const std::uint64_t count : {std::uint64_t{dictionary_.size()}, std::uint64_t{size()}, n_forward})
      out.value(count);
    for (std::uint32_t term = 0; term < dictionary_.size(); ++term) {
      out.value(static_cast<std::uint32_t>(dictionary_[term].size()));
      out.write(dictionary_[term]);
    }
    for (std::uint32_t place = 0; place < ids_.size(); ++place) {
      if (ids_[place] == no_note) continue;
      out.value(ids_[place]);
      out.value(lengths_[place]);
      out.value(static_cast<std::uint32_t>(terms_of(place).size()));
      for (const forward_term& term : terms_of(place)) {
        out.value(term.term);
        out.value(term.count);
      }
    }
  }
  /// Reads what `save` wrote. The lists are rebuilt from the notes' terms, so that they cannot contradict.
  /// @throws format_error  cut off, or numbers out of range
  [[nodiscard]] static inverted_index restore(io::byte_reader& in) {
    inverted_index index;
    const auto n_term = in.value<std::uint64_t>("how many terms"), n_note = in.value<std::uint64_t>("how many notes");
    const auto n_forward = in.value<std::uint64_t>("how many terms of notes");
    // Every term takes 4 bytes at least, every note 14 and every term of a note 6: no reservation beyond the file.
    const auto bounded = [&](std::uint64_t count, std::size_t bytes, const char* what) {
      if (count > in.left() / bytes)
        fail<format_error>(concat(in.place(), ": ", what), concat("at most ", in.left() / bytes), count);
    };
    bounded(n_term, 4, "terms");
    bounded(n_note, 14, "notes");
    bounded(n_forward, 6, "terms of notes");
    for (std::uint64_t t = 0; t < n_term; ++t) {
      const auto bytes = in.take(in.value<std::uint32_t>("a number of the index"), "a term");
      if (index.dictionary_.insert({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) != t) {
        fail<format_error>(concat(in.place(), ": term ", t), "a new one", "one that is there already");
      }
    }
    index.lists_.resize(static_cast<std::size_t>(n_term));
    index.forward_.reserve(static_cast<std::size_t>(n_forward));
    index.ids_.reserve(static_cast<std::size_t>(n_note));
    index.place_of_.reserve(static_cast<std::size_t>(n_note));
    for (std::uint64_t n = 0; n < n_note; ++n) {
      const auto id = in.value<note_id>("a note id");
      const auto length = in.value<std::uint16_t>("a number of the index");
      const auto n_distinct = in.value<std::uint32_t>("a number of the index");
      if (id <= no_note || index.place_of_.count(id) != 0)
        fail<format_error>(concat(in.place(), ": note id"), "a new positive one", id);
      const auto terms = in.take(std::size_t{6} * n_distinct, "the terms of a note");
      for (std::uint32_t i = 0; i < n_distinct; ++i) {
        const forward_term term{io::load_unaligned<std::uint32_t>(terms.data() + 6 * i),
                                io::load_unaligned<std::uint16_t>(terms.data() + 6 * i + 4)};
        const bool ascends = i == 0 || term.term > index.forward_.back().term;
        if (term.term >= n_term || !ascends || term.count == 0 || length == 0) {
          fail<format_error>(concat(in.place(), ": terms of note ", id), concat("ascending numbers below ", n_term),
                             term.term);
        }
        index.forward_.push_back(term);
        index.lists_[term.term].add({static_cast<std::uint32_t>(n), term.count, length});
      }
      index.place_note(id, length);
    }
    return index;
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

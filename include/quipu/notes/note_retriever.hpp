/// @file What a retriever of notes offers, and the order of what it returns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <quipu/notes/note.hpp>

namespace quipu::io {
class atomic_file;
class byte_reader;
}  // namespace quipu::io

namespace quipu::notes {

struct scored_note {
  note_id id = no_note;
  double score = 0;

  friend bool operator==(const scored_note&, const scored_note&) = default;
};

/// The order of all results: higher score first, of equal scores the lower id.
[[nodiscard]] constexpr bool ranks_before(const scored_note& a, const scored_note& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

/// Keeps the best k of the notes offered.
class top_notes {
 public:
  explicit top_notes(std::size_t k) : k_(k) {}

  void offer(note_id id, double score) {
    const scored_note fresh{id, score};
    if (best_.size() == k_) {
      if (k_ == 0 || !ranks_before(fresh, best_.front())) return;
      std::pop_heap(best_.begin(), best_.end(), ranks_before);
      best_.back() = fresh;
    } else {
      best_.push_back(fresh);
    }
    std::push_heap(best_.begin(), best_.end(), ranks_before);  // the worst one is in front
  }
  [[nodiscard]] bool full() const noexcept { return best_.size() == k_; }
  /// Score that a note has to reach to be among the best; `none` while there is room.
  [[nodiscard]] double threshold(double none) const noexcept {
    return full() && k_ > 0 ? best_.front().score : none;
  }
  /// Best first; leaves the collector empty.
  [[nodiscard]] std::vector<scored_note> take() {
    std::sort_heap(best_.begin(), best_.end(), ranks_before);
    return std::move(best_);
  }

 private:
  std::size_t k_;
  std::vector<scored_note> best_;
};

template <class Retriever>
concept retriever_has_edits = requires(Retriever& retriever, note_id id, std::string_view text) {
  retriever.add(id, text);
  { retriever.erase(id) } -> std::same_as<bool>;
  retriever.update(id, text);
  retriever.clear();
};

template <class Retriever>
concept retriever_has_retrieve = requires(const Retriever& retriever, std::string_view query, std::size_t k) {
  { retriever.retrieve(query, k) } -> std::same_as<std::vector<scored_note>>;
  { retriever.size() } -> std::same_as<std::size_t>;
};

/// An index of note texts that is kept in step by single edits. `retrieve` returns at most k notes in the
/// order of `ranks_before`, the same however the index came to hold its notes. Several threads may
/// retrieve at a time; edits need the index for themselves.
template <class Retriever>
concept note_retriever = std::movable<Retriever> && retriever_has_edits<Retriever> && retriever_has_retrieve<Retriever>;

/// Optional: a retriever that can be told how many notes are coming.
template <class Retriever>
concept reserving_retriever = requires(Retriever& retriever, std::size_t n) { retriever.reserve(n); };

/// Optional: a retriever of words that tells how rare a word is, how much a question weighs, and a note's score.
template <class Retriever>
concept weighing_retriever = requires(const Retriever& retriever, std::string_view text, note_id id) {
  { retriever.idf(text) } -> std::convertible_to<double>;
  { retriever.query_weight(text) } -> std::convertible_to<double>;
  { retriever.score(text, id) } -> std::convertible_to<double>;
};

/// Optional: a retriever on top of another one, and one made of several, which show what they hold.
template <class Retriever>
concept stacked_retriever = requires(const Retriever& retriever) { retriever.one_hop(); };
template <class Retriever>
concept composed_retriever = requires(const Retriever& retriever) {
  std::tuple_size<std::remove_cvref_t<decltype(retriever.parts())>>::value;
};

/// Optional: a retriever whose index can be written and read (see search_cache.hpp). `cache_identity` names everything
/// it depends on besides the notes: the kind of index and its layout, the words or the encoder.
template <class Retriever>
concept cacheable_retriever = note_retriever<Retriever> &&
    requires(Retriever& retriever, const Retriever& constant, io::atomic_file& out, io::byte_reader& in) {
  constant.save(out);
  retriever.restore(in);
  { constant.cache_identity() } -> std::convertible_to<std::string>;
};

template <class Retriever>
consteval void explain_note_retriever() {
  if constexpr (!std::movable<Retriever>) {
    static_assert(std::movable<Retriever>, "note_retriever: the retriever must be movable");
  } else if constexpr (!retriever_has_edits<Retriever>) {
    static_assert(retriever_has_edits<Retriever>,
                  "note_retriever: declare 'void add(note_id, string_view text)', 'bool erase(note_id)', "
                  "'void update(note_id, string_view text)' and 'void clear()'");
  } else {
    static_assert(retriever_has_retrieve<Retriever>,
                  "note_retriever: declare 'vector<scored_note> retrieve(string_view query, size_t k) const' "
                  "and 'size_t size() const'");
  }
}

}  // namespace quipu::notes

/// @file Places of notes in the order of their coming, found by the notes' ids.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/note.hpp>

namespace quipu::notes {

/// Numbers notes 0, 1, 2, ... in the order of their coming. Erased notes keep their places. Ids that come ascending, as
/// a store gives them, need no table.
class note_places {
 public:
  note_places() = default;
  /// @pre ids positive and ascending
  explicit note_places(std::vector<note_id> ids) : ids_(std::move(ids)), n_live_(ids_.size()), n_ascending_(n_live_) {}

  /// Places, those of erased notes included.
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t n_live() const noexcept { return n_live_; }
  [[nodiscard]] bool is_live(std::size_t place) const noexcept { return ids_[place] > no_note; }
  /// @pre is_live(place)
  [[nodiscard]] note_id id_at(std::size_t place) const noexcept { return ids_[place]; }
  /// size() if there is no note `id`.
  [[nodiscard]] std::size_t find(note_id id) const {
    if (id <= no_note) return size();
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(n_ascending_);
    const auto found = std::lower_bound(ids_.begin(), end, id, [](note_id a, note_id b) { return once(a) < b; });
    if (found != end && *found == id) return static_cast<std::size_t>(found - ids_.begin());
    const auto later = later_.find(id);
    return later == later_.end() ? size() : later->second;
  }
  /// Places of the notes that are there, by id.
  [[nodiscard]] std::vector<std::uint32_t> in_order() const {
    std::vector<std::uint32_t> places;
    for (std::uint32_t place = 0; place < size(); ++place) {
      if (is_live(place)) places.push_back(place);
    }
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
    return places;
  }

  /// @throws config_error  `id` is there already or not positive; more than 2^32 - 1 places
  void check(note_id id) const {
    if (id <= no_note) fail<config_error>("index: note id", "a positive number", id);
    if (find(id) != size()) fail<config_error>("index: note id", "one that is not there yet", id);
    if (size() >= std::numeric_limits<std::uint32_t>::max()) throw config_error("index: more than 2^32 - 1 notes");
  }
  /// Gives the next place to a note. @pre check(id)
  void push_back(note_id id) {
    if (n_ascending_ == size() && (ids_.empty() || once(ids_.back()) < id)) {
      ++n_ascending_;
    } else {
      later_.emplace(id, static_cast<std::uint32_t>(size()));
    }
    ids_.push_back(id);
    ++n_live_;
  }
  /// @pre is_live(place)
  void erase(std::size_t place) {
    later_.erase(ids_[place]);
    ids_[place] = -ids_[place];
    --n_live_;
  }
  void reserve(std::size_t n_note) { ids_.reserve(n_note); }
  /// What it holds in memory, in bytes (the table estimated).
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return ids_.capacity() * sizeof(note_id) + later_.size() * 40;
  }

 private:
  /// The id of a place whose note may be erased.
  [[nodiscard]] static note_id once(note_id id) noexcept { return id < 0 ? -id : id; }

  std::vector<note_id> ids_;  // by place; negative if the note was erased
  std::size_t n_live_ = 0;
  std::size_t n_ascending_ = 0;                       // places before this one have ascending ids, erased ones too
  std::unordered_map<note_id, std::uint32_t> later_;  // live notes at the other places
};

}  // namespace quipu::notes

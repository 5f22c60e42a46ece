/// @file What a store of notes offers: edits, their history, undo, and how others keep in step with it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/notes/note.hpp>

namespace quipu::notes {

/// What happens to the notes that a new one contradicts, that is, live notes of the same slot (subject
/// and relation both given and equal but for case and blanks).
enum class conflict_policy : std::uint8_t {
  supersede,  ///< the older ones leave the search, stay readable and name their successor
  keep_both,  ///< both stay; the result lists the others
  reject,     ///< the new note is not added
};

struct edit_options {
  conflict_policy on_conflict = conflict_policy::supersede;
  time_ms when = wall_time_ms();
};

enum class add_outcome : std::uint8_t {
  added,
  duplicate,  ///< a live note says the same (`normalised_statement`); nothing changed, `id` is that note
  rejected,   ///< conflict_policy::reject; nothing changed, `id` is no_note
};

struct add_result {
  note_id id = no_note;
  add_outcome outcome = add_outcome::added;
  std::vector<note_id> conflicts;  ///< live notes of the same slot, ascending
  note_id corrected = no_note;     ///< the note whose place this one took because its words correct it; by who asks for that
  std::vector<note_id> related = {};  ///< live notes with another value of the same subject and relation, ascending; likewise

  friend bool operator==(const add_result&, const add_result&) = default;
};

/// Counts edits: 0 is the empty store, every call that changes something is one version further.
using store_version = std::int64_t;

enum class edit_kind : std::uint8_t { add, update, erase, supersede, undo };

/// One edit of one note.
struct note_change {
  store_version version = 0;
  time_ms when = 0;
  edit_kind kind = edit_kind::add;
  std::optional<note> before;  ///< empty: the note did not exist
  std::optional<note> after;   ///< empty: it no longer does

  friend bool operator==(const note_change&, const note_change&) = default;
};

/// Notes that changed after some version, as they are now.
struct change_set {
  struct entry {
    note_id id = no_note;
    std::optional<note> now;  ///< empty if the note is gone
  };
  store_version version = 0;   ///< to ask from the next time
  std::vector<entry> entries;  ///< ascending by id, each once
};

/// An edit that nobody has taken back yet, as `undo` sees it.
struct standing_edit {
  store_version version = 0;
  time_ms when = 0;
  bool own = false;                  ///< made through this very store; else before it was opened
  std::vector<note_change> changes;  ///< an undo turns `after` into `before` again
  std::vector<note_id> kept;         ///< changed by others since, or tied to such a note: an undo leaves them
};

template <class Store>
concept store_has_edits = requires(Store& store, const note& n, note_id id, const edit_options& options,
                                   time_ms when, std::span<const note> batch) {
  { store.add(n, options) } -> std::same_as<add_result>;
  { store.add_batch(batch, options) } -> std::same_as<std::vector<add_result>>;
  { store.update(n, when) } -> std::same_as<bool>;
  { store.erase(id, when) } -> std::same_as<bool>;
  { store.supersede(id, n, when) } -> std::same_as<note_id>;
};

template <class Store>
concept store_has_reading = requires(const Store& store, note_id id, void (*visit)(const note&)) {
  { store.find(id) } -> std::same_as<std::optional<note>>;
  { store.size() } -> std::same_as<std::size_t>;
  store.for_each(visit);
};

template <class Store>
concept store_has_history = requires(Store& store, note_id id, store_version version, time_ms when) {
  { store.version() } -> std::same_as<store_version>;
  { store.history(id) } -> std::same_as<std::vector<note_change>>;
  { store.changed_since(version) } -> std::same_as<change_set>;
  store.undo_to(version, when);
};

/// A store of notes. Every call that changes notes is one transaction: it happens as a whole, or throws
/// and changes nothing.
template <class Store>
concept note_store = std::movable<Store> && store_has_edits<Store> && store_has_reading<Store> &&
                     store_has_history<Store>;

/// Optional: a store that other processes write to as well, and that tells whether they did since it was last read.
template <class Store>
concept shared_note_store = requires(const Store& store) {
  { store.others_wrote() } -> std::convertible_to<bool>;
};

/// Optional: a store that takes back single edits while those of others stand. `last_edit` is what `undo` would take
/// back next: the store's own last edit; where it has none left, the last one from before it was opened. `undo` takes back n
/// of them in one edit, or throws config_error and changes nothing if there are not so many.
template <class Store>
concept undoing_note_store = requires(Store& store, const Store& constant, std::size_t n_edit, time_ms when) {
  { constant.last_edit() } -> std::same_as<std::optional<standing_edit>>;
  { store.undo(n_edit, when) } -> std::same_as<std::vector<standing_edit>>;
};

template <class Store>
consteval void explain_note_store() {
  if constexpr (!std::movable<Store>) {
    static_assert(std::movable<Store>, "note_store: the store must be movable");
  } else if constexpr (!store_has_edits<Store>) {
    static_assert(store_has_edits<Store>,
                  "note_store: declare 'add_result add(const note&, const edit_options&)', "
                  "'vector<add_result> add_batch(span<const note>, const edit_options&)', "
                  "'bool update(const note&, time_ms)', 'bool erase(note_id, time_ms)' and "
                  "'note_id supersede(note_id, const note&, time_ms)'");
  } else if constexpr (!store_has_reading<Store>) {
    static_assert(store_has_reading<Store>,
                  "note_store: declare 'optional<note> find(note_id) const', 'size_t size() const' and "
                  "'void for_each(visitor of const note&) const'");
  } else {
    static_assert(store_has_history<Store>,
                  "note_store: declare 'store_version version()', 'vector<note_change> history(note_id)', "
                  "'change_set changed_since(store_version)' and 'void undo_to(store_version, time_ms)'");
  }
}

}  // namespace quipu::notes

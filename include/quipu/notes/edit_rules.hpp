/// @file The meaning of every edit, written once for all stores over a few row operations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::notes {

/// The row operations of a store inside one transaction. `put` and `remove` also log the change with its
/// kind, so that `states_at` can tell later what a note was at an older version.
template <class Rows>
concept editable_rows = requires(Rows& rows, note_id id, std::string_view key, const note& n,
                                 const std::optional<note>& before, edit_kind kind,
                                 store_version version) {
  { rows.take_id() } -> std::same_as<note_id>;
  { rows.row(id) } -> std::same_as<std::optional<note>>;
  { rows.live_with_text(key) } -> std::same_as<std::vector<note_id>>;  // ascending
  { rows.live_with_slot(key) } -> std::same_as<std::vector<note_id>>;  // ascending
  rows.put(kind, before, n);
  rows.remove(kind, n);
  { rows.states_at(version) } -> std::same_as<std::vector<std::pair<note_id, std::optional<note>>>>;
};

/// Key of the slot (subject, relation); empty if one of them is missing.
[[nodiscard]] inline std::string slot_of(const note& n) {
  if (n.subject.empty() || n.relation.empty()) return {};
  return normalised_statement(n.subject) + '\x1f' + normalised_statement(n.relation);
}

/// 64-bit FNV-1a of a key, for indexes.
[[nodiscard]] constexpr std::int64_t key_hash(std::string_view key) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return static_cast<std::int64_t>(hash);
}

namespace edit_rules {

/// A row that an index or another row names.
/// @throws format_error  it is not there: the rows contradict each other
template <editable_rows Rows>
[[nodiscard]] note row_at(Rows& rows, note_id id) {
  std::optional<note> found = rows.row(id);
  if (!found) fail<format_error>(concat("note store: note ", id), "a row", "none, though others name it");
  return *std::move(found);
}

/// Marks a live note as replaced by `by`.
template <editable_rows Rows>
void retire(Rows& rows, note_id old, note_id by) {
  const note before = row_at(rows, old);
  note after = before;
  after.status = note_status::superseded;
  after.superseded_by = by;
  rows.put(edit_kind::supersede, before, after);
}

/// @throws format_error  from check_note
template <editable_rows Rows>
add_result add(Rows& rows, const note& fresh, const edit_options& options) {
  check_note(fresh);
  add_result result;
  if (const auto same = rows.live_with_text(normalised_statement(fresh.text)); !same.empty()) {
    result.id = same.front();
    result.outcome = add_outcome::duplicate;
    return result;
  }
  if (const std::string slot = slot_of(fresh); !slot.empty()) result.conflicts = rows.live_with_slot(slot);
  if (options.on_conflict == conflict_policy::reject && !result.conflicts.empty()) {
    result.outcome = add_outcome::rejected;
    return result;
  }
  note added = fresh;
  added.id = result.id = rows.take_id();
  added.status = note_status::live;
  added.superseded_by = added.supersedes = no_note;
  if (added.created == 0) added.created = options.when;
  const bool replaces = options.on_conflict == conflict_policy::supersede && !result.conflicts.empty();
  if (replaces) added.supersedes = result.conflicts.back();
  rows.put(edit_kind::add, std::nullopt, added);
  if (replaces) {
    for (const note_id old : result.conflicts) retire(rows, old, added.id);
  }
  return result;
}

/// Replaces the content of a live note; id, place in history and (if `content.created` is 0) its time
/// stay. Slots are not compared.
/// @return false if `content.id` is no live note
template <editable_rows Rows>
bool update(Rows& rows, const note& content) {
  const std::optional<note> before = rows.row(content.id);
  if (!before || before->status != note_status::live) return false;
  check_note(content);
  note after = content;
  after.status = before->status;
  after.supersedes = before->supersedes;
  after.superseded_by = before->superseded_by;
  if (after.created == 0) after.created = before->created;
  if (after != *before) rows.put(edit_kind::update, before, after);
  return true;
}

/// @return false if there is no note `id`
template <editable_rows Rows>
bool erase(Rows& rows, note_id id) {
  const std::optional<note> before = rows.row(id);
  if (!before) return false;
  rows.remove(edit_kind::erase, *before);
  return true;
}

/// Adds `replacement` and retires `old` (and every other live note of the replacement's slot) in one
/// step. If a live note already says what the replacement says, that note takes over.
/// @return the note that now holds; no_note, with nothing changed, if `old` is no live note
template <editable_rows Rows>
note_id supersede(Rows& rows, note_id old, const note& replacement, time_ms when) {
  const std::optional<note> before = rows.row(old);
  if (!before || before->status != note_status::live) return no_note;
  const add_result added = add(rows, replacement, {conflict_policy::supersede, when});
  if (added.id == old) return old;
  if (row_at(rows, old).status == note_status::live) {
    retire(rows, old, added.id);
    if (added.outcome == add_outcome::added) {
      const note now = row_at(rows, added.id);
      note linked = now;
      linked.supersedes = old;
      rows.put(edit_kind::supersede, now, linked);
    }
  }
  return added.id;
}

/// Makes a note what it was, or nothing.
template <editable_rows Rows>
void restore(Rows& rows, note_id id, const std::optional<note>& then) {
  const std::optional<note> now = rows.row(id);
  if (then == now) return;
  if (then) {
    rows.put(edit_kind::undo, now, *then);
  } else if (now) {
    rows.remove(edit_kind::undo, *now);
  }
}

/// Brings every note back to what it was at `version`. The way back is itself logged, so an undo can be
/// undone.
/// @pre 0 <= version <= current version
template <editable_rows Rows>
void undo_to(Rows& rows, store_version version) {
  for (const auto& [id, then] : rows.states_at(version)) {
    restore(rows, id, then);
  }
}

/// @throws config_error  if `version` is not between 0 and `current`
inline void check_version(store_version version, store_version current) {
  if (version < 0 || version > current) {
    fail<config_error>("note store: version", concat("0 to ", current), version);
  }
}

}  // namespace edit_rules

}  // namespace quipu::notes

// What memory_store.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <type_traits>
#include <vector>

#include <quipu/notes/edit_rules.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/undo_rules.hpp>

namespace quipu::notes {

QUIPU_INLINE std::vector<add_result> memory_store::add_batch(std::span<const note> fresh, const edit_options& options) {
  return transact(options.when, [&](auto& rows) {
    std::vector<add_result> results;
    results.reserve(fresh.size());
    for (const note& n : fresh) results.push_back(edit_rules::add(rows, n, options));
    return results;
  });
}

QUIPU_INLINE void memory_store::undo_to(store_version version, time_ms when) {
  transact(when, [&](auto& rows) {
    edit_rules::check_version(version, state_->version);
    edit_rules::undo_to(rows, version);
    return true;
  });
}

QUIPU_INLINE std::optional<standing_edit> memory_store::last_edit() const {
  const std::shared_lock lock(state_->mutex);
  open_rows now{*state_, 0};
  return standing_edits<open_rows>(now, state_->own, 0).last();
}

QUIPU_INLINE std::vector<standing_edit> memory_store::undo(std::size_t n_edit, time_ms when) {
  std::vector<standing_edit> done =
      transact(when, [&](auto& rows) { return standing_edits<open_rows>(rows, state_->own, 0).take_back(n_edit); });
  const std::unique_lock lock(state_->mutex);
  for (const standing_edit& edit : done) std::erase(state_->own, edit.version);
  return done;
}

QUIPU_INLINE std::vector<note_change> memory_store::history(note_id id) const {
  const std::shared_lock lock(state_->mutex);
  std::vector<note_change> changes;
  for (const logged& entry : state_->log) {
    if (entry.id != id) continue;
    if (!changes.empty()) changes.back().after = entry.before;
    changes.push_back({entry.version, entry.when, entry.kind, entry.before, std::nullopt});
  }
  if (!changes.empty()) {
    const auto place = state_->notes.find(id);
    if (place != state_->notes.end()) changes.back().after = place->second;
  }
  return changes;
}

QUIPU_INLINE change_set memory_store::changed_since(store_version version) const {
  const std::shared_lock lock(state_->mutex);
  change_set changes;
  changes.version = state_->version;
  std::set<note_id> ids;
  for (auto entry = state_->log.rbegin(); entry != state_->log.rend() && entry->version > version; ++entry) {
    ids.insert(entry->id);
  }
  for (const note_id id : ids) {
    const auto place = state_->notes.find(id);
    changes.entries.push_back(
        {id, place == state_->notes.end() ? std::nullopt : std::optional<note>(place->second)});
  }
  return changes;
}

QUIPU_INLINE add_result memory_store::add(const note& fresh, const edit_options& options) {
  return transact(options.when, [&](auto& rows) { return edit_rules::add(rows, fresh, options); });
}

QUIPU_INLINE bool memory_store::update(const note& content, time_ms when) {
  return transact(when, [&](auto& rows) { return edit_rules::update(rows, content); });
}

QUIPU_INLINE bool memory_store::erase(note_id id, time_ms when) {
  return transact(when, [&](auto& rows) { return edit_rules::erase(rows, id); });
}

QUIPU_INLINE note_id memory_store::supersede(note_id old, const note& replacement, time_ms when) {
  return transact(when, [&](auto& rows) { return edit_rules::supersede(rows, old, replacement, when); });
}

}  // namespace quipu::notes

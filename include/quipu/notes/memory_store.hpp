/// @file A store of notes that lives as long as the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/notes/edit_rules.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/undo_rules.hpp>

namespace quipu::notes {

/// Keeps notes and their whole history in memory.
///
/// Threads: any member from any thread; readers run side by side. A visitor of `for_each` must not edit.
class memory_store {
 public:
  memory_store() : state_(std::make_unique<state>()) {}

  /// @throws format_error  see check_note
  add_result add(const note& fresh, const edit_options& options = {});
  /// All or, if one of them throws, none.
  std::vector<add_result> add_batch(std::span<const note> fresh, const edit_options& options = {});
  bool update(const note& content, time_ms when = wall_time_ms());
  bool erase(note_id id, time_ms when = wall_time_ms());
  note_id supersede(note_id old, const note& replacement, time_ms when = wall_time_ms());
  /// @throws config_error  if `version` lies outside 0 .. version()
  void undo_to(store_version version, time_ms when = wall_time_ms());

  /// See `undoing_note_store`; every edit is the store's own.
  [[nodiscard]] std::optional<standing_edit> last_edit() const;
  /// @throws config_error  there are not so many edits
  std::vector<standing_edit> undo(std::size_t n_edit = 1, time_ms when = wall_time_ms());

  /// A note of any status.
  [[nodiscard]] std::optional<note> find(note_id id) const {
    const std::shared_lock lock(state_->mutex);
    const auto place = state_->notes.find(id);
    return place == state_->notes.end() ? std::nullopt : std::optional<note>(place->second);
  }
  /// Live notes.
  [[nodiscard]] std::size_t size() const {
    const std::shared_lock lock(state_->mutex);
    return state_->n_live;
  }
  /// Visits the live notes in ascending order.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    const std::shared_lock lock(state_->mutex);
    for (const auto& [id, n] : state_->notes) {
      if (n.status == note_status::live) visit(n);
    }
  }

  [[nodiscard]] store_version version() const {
    const std::shared_lock lock(state_->mutex);
    return state_->version;
  }
  /// Every change of one note, oldest first.
  [[nodiscard]] std::vector<note_change> history(note_id id) const;
  [[nodiscard]] change_set changed_since(store_version version) const;

 private:
  struct logged {
    store_version version;
    time_ms when;
    edit_kind kind;
    note_id id;
    std::optional<note> before;
  };
  struct state {
    mutable std::shared_mutex mutex;
    std::map<note_id, note> notes;
    std::unordered_map<std::string, std::set<note_id>> by_text, by_slot;  // live notes
    std::vector<logged> log;
    std::vector<store_version> own;  // edits that `undo` may take back
    store_version version = 0;
    note_id last_id = no_note;
    std::size_t n_live = 0;
  };

  /// The rows inside one edit; everything logged belongs to the next version.
  struct open_rows {
    state& all;
    time_ms when;
    std::unordered_map<note_id, std::vector<std::size_t>> logged_at = {};  // of the log, filled where it is needed

    note_id take_id() { return ++all.last_id; }
    [[nodiscard]] std::optional<note> row(note_id id) const {
      const auto place = all.notes.find(id);
      return place == all.notes.end() ? std::nullopt : std::optional<note>(place->second);
    }
    static std::vector<note_id> ids(const std::unordered_map<std::string, std::set<note_id>>& index,
                                    std::string_view key) {
      const auto place = index.find(std::string(key));
      if (place == index.end()) return {};
      return {place->second.begin(), place->second.end()};
    }
    [[nodiscard]] std::vector<note_id> live_with_text(std::string_view key) const { return ids(all.by_text, key); }
    [[nodiscard]] std::vector<note_id> live_with_slot(std::string_view key) const { return ids(all.by_slot, key); }
    void put(edit_kind kind, const std::optional<note>& before, const note& after) {
      all.log.push_back({all.version + 1, when, kind, after.id, before});
      if (before) unindex(*before);
      all.notes[after.id] = after;
      index(after);
    }
    void remove(edit_kind kind, const note& before) {
      all.log.push_back({all.version + 1, when, kind, before.id, before});
      unindex(before);
      all.notes.erase(before.id);
    }
    [[nodiscard]] std::vector<std::pair<note_id, std::optional<note>>> states_at(store_version version) const {
      std::map<note_id, std::optional<note>> first;
      for (auto entry = all.log.rbegin(); entry != all.log.rend() && entry->version > version; ++entry) {
        first[entry->id] = entry->before;  // the oldest one stays
      }
      return {first.begin(), first.end()};
    }
    [[nodiscard]] std::vector<note_id> notes_changed_by(store_version version) const {
      const auto before = [](const logged& entry, store_version v) { return entry.version < v; };
      std::set<note_id> ids;
      for (auto entry = std::lower_bound(all.log.begin(), all.log.end(), version, before);
           entry != all.log.end() && entry->version == version; ++entry) {
        ids.insert(entry->id);
      }
      return {ids.begin(), ids.end()};
    }
    [[nodiscard]] std::vector<note_change> changes_of(note_id id) {
      if (logged_at.empty()) {
        for (std::size_t i = 0; i < all.log.size(); ++i) logged_at[all.log[i].id].push_back(i);
      }
      std::vector<note_change> changes;
      for (const std::size_t i : logged_at[id]) {
        const logged& entry = all.log[i];
        changes.push_back({entry.version, entry.when, entry.kind, entry.before, std::nullopt});
      }
      return changes;
    }
    void index(const note& n) {
      if (n.status != note_status::live) return;
      ++all.n_live;
      all.by_text[normalised_statement(n.text)].insert(n.id);
      if (const std::string slot = slot_of(n); !slot.empty()) all.by_slot[slot].insert(n.id);
    }
    void unindex(const note& n) {
      if (n.status != note_status::live) return;
      --all.n_live;
      drop(all.by_text, normalised_statement(n.text), n.id);
      if (const std::string slot = slot_of(n); !slot.empty()) drop(all.by_slot, slot, n.id);
    }
    static void drop(std::unordered_map<std::string, std::set<note_id>>& index, const std::string& key,
                     note_id id) {
      const auto place = index.find(key);
      if (place == index.end()) return;
      place->second.erase(id);
      if (place->second.empty()) index.erase(place);
    }
  };

  template <class Edit>
  std::invoke_result_t<Edit, open_rows&> transact(time_ms when, Edit&& edit) {
    const std::unique_lock lock(state_->mutex);
    open_rows now{*state_, when};
    const std::size_t log_before = state_->log.size();
    const note_id last_id_before = state_->last_id;
    try {
      auto result = edit(now);
      if (state_->log.size() != log_before) state_->own.push_back(++state_->version);
      return result;
    } catch (...) {
      // Take back what the edit had done, last change first, and leave no trace of it.
      for (std::size_t i = state_->log.size(); i-- > log_before;) {
        const logged entry = state_->log[i];
        if (const auto place = state_->notes.find(entry.id); place != state_->notes.end()) {
          now.unindex(place->second);
          state_->notes.erase(place);
        }
        if (entry.before) {
          state_->notes[entry.id] = *entry.before;
          now.index(*entry.before);
        }
      }
      state_->log.resize(log_before);
      state_->last_id = last_id_before;
      throw;
    }
  }

  std::unique_ptr<state> state_;
};

static_assert(note_store<memory_store> && undoing_note_store<memory_store>);

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/memory_store.ipp>
#endif

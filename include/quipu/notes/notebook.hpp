/// @file A store and a retriever kept in step: what an editor reads from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/search_cache.hpp>

namespace quipu::notes {

/// Notes that can be edited and searched. The retriever holds the live notes of the store, without their
/// final periods; it is a cache that is rebuilt from the store on opening.
///
/// If the store is a `shared_note_store`, every call first takes over what other processes did. A note found may be
/// erased by them before it is looked up: `find` then has none.
///
/// Threads: searching side by side, edits one at a time; all from any thread.
template <class Store, class Retriever>
class notebook {
  static_assert((explain_note_store<Store>(), true));
  static_assert((explain_note_retriever<Retriever>(), true));

 public:
  using store_type = Store;
  using retriever_type = Retriever;

  /// @param cache  file of `save_search`; used if it fits the store, ignored otherwise. Empty: none
  /// @throws what the store throws while it is read
  explicit notebook(Store store, Retriever retriever = Retriever(), const std::string& cache = {})
      : state_(std::make_unique<state>(std::move(store), std::move(retriever))) {
    if constexpr (fingerprinted_store<Store> && cacheable_retriever<Retriever>) {
      if (const auto version =
              cache.empty() ? std::nullopt : search_cache::load(cache, state_->store, state_->retriever)) {
        state_->seen = *version;
        catch_up();
        state_->opened = state_->seen;
        return;
      }
    }
    state_->retriever.clear();
    state_->opened = state_->seen = state_->store.version();
    if constexpr (reserving_retriever<Retriever>) {
      state_->retriever.reserve(state_->store.size());
    }
    state_->store.for_each([&](const note& n) { state_->retriever.add(n.id, without_final_period(n.text)); });
    // An edit that came between the two calls is in both, or in neither of them.
    catch_up();
  }

  add_result add(const note& fresh, const edit_options& options = {}) {
    return edit([&](Store& store) { return store.add(fresh, options); });
  }
  std::vector<add_result> add_batch(std::span<const note> fresh, const edit_options& options = {}) {
    const std::unique_lock lock(state_->mutex);
    const store_version before = state_->seen;
    std::vector<add_result> results = state_->store.add_batch(fresh, options);
    bool plain = true, added = false;
    for (const add_result& result : results) {
      plain = plain && result.conflicts.empty();
      added = added || result.outcome == add_outcome::added;
    }
    // One version more and it is ours: nobody else wrote. Without a note added it would be another's.
    if (!plain || !added || state_->store.version() != before + 1) {
      catch_up();
      if (added) remember(before);
      return results;
    }
    remember(before);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (results[i].outcome == add_outcome::added) {
        state_->retriever.add(results[i].id, without_final_period(fresh[i].text));
      }
    }
    state_->seen = before + 1;
    return results;
  }
  bool update(const note& content, time_ms when = wall_time_ms()) {
    return edit([&](Store& store) { return store.update(content, when); });
  }
  bool erase(note_id id, time_ms when = wall_time_ms()) {
    return edit([&](Store& store) { return store.erase(id, when); });
  }
  note_id supersede(note_id old, const note& replacement, time_ms when = wall_time_ms()) {
    return edit([&](Store& store) { return store.supersede(old, replacement, when); });
  }
  void undo_to(store_version version, time_ms when = wall_time_ms()) {
    edit([&](Store& store) {
      store.undo_to(version, when);
      return true;
    });
  }
  /// The edit that `undo` would take back next (see `undoing_note_store`).
  [[nodiscard]] std::optional<standing_edit> last_edit() const {
    const std::shared_lock lock(state_->mutex);
    if constexpr (undoing_note_store<Store>) {
      return state_->store.last_edit();
    } else {
      return state_->older_edit(0);
    }
  }
  /// Takes back this notebook's own last edits, one after the other; edits that others made meanwhile stay. Where it
  /// has none left, those from before it was opened. A store that is no `undoing_note_store` is taken to have no other
  /// writer.
  /// @return what was taken back, newest first
  /// @throws config_error  there are not so many; nothing is changed
  std::vector<standing_edit> undo(std::size_t n_edit = 1, time_ms when = wall_time_ms()) {
    const std::unique_lock lock(state_->mutex);
    std::vector<standing_edit> done;
    if constexpr (undoing_note_store<Store>) {
      done = state_->store.undo(n_edit, when);
    } else if (n_edit > 0) {
      for (std::size_t i = 0; i < n_edit; ++i) {
        const std::optional<standing_edit> edit = state_->older_edit(i);
        if (!edit) fail<config_error>("undo", concat("at most ", i, " edits"), n_edit);
        done.push_back(*edit);
      }
      state_->store.undo_to(done.back().version - 1, when);
      state_->forget(n_edit);
    }
    catch_up();
    return done;
  }
  /// Takes over the edits of other processes, as every other call does. @return true if there were any
  bool refresh() const {  // NOLINT(modernize-use-nodiscard): also called for its effect
    const std::lock_guard one(state_->refreshing);  // a second reader waits until the first has caught up
    if constexpr (shared_note_store<Store>) {
      if (!state_->store.others_wrote()) return false;
    }
    const std::unique_lock lock(state_->mutex);
    const store_version before = state_->seen;
    catch_up();
    return state_->seen != before;
  }

  /// Writes the search index to a file, from which the next notebook on this store starts quickly: it then
  /// reads only the notes that changed since.
  /// @throws io_error
  void save_search(const std::string& path) const
    requires(fingerprinted_store<Store> && cacheable_retriever<Retriever>)
  {
    const std::shared_lock lock(state_->mutex);
    search_cache::save(path, state_->store, state_->seen, state_->retriever);
  }

  /// The best live notes, best first.
  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    take_over();
    const std::shared_lock lock(state_->mutex);
    return state_->retriever.retrieve(query, k);
  }
  /// The best of the live notes for which `accept(const note&)` holds.
  template <class Accept>
  [[nodiscard]] std::vector<scored_note> retrieve_if(std::string_view query, std::size_t k, Accept&& accept) const {
    take_over();
    const std::shared_lock lock(state_->mutex);
    for (std::size_t n = 2 * k;; n *= 4) {
      const std::vector<scored_note> found = state_->retriever.retrieve(query, n);
      std::vector<scored_note> accepted;
      for (const scored_note& hit : found) {
        if (accepted.size() == k) break;
        const std::optional<note> n_found = state_->store.find(hit.id);
        if (n_found && accept(*n_found)) accepted.push_back(hit);
      }
      if (accepted.size() == k || found.size() < n) return accepted;
    }
  }
  /// The best notes that hold at `when`.
  [[nodiscard]] std::vector<scored_note> retrieve_at(std::string_view query, std::size_t k, time_ms when) const {
    return retrieve_if(query, k, [&](const note& n) { return valid_at(n, when); });
  }

  /// Nothing if there is no such note, or no longer.
  [[nodiscard]] std::optional<note> find(note_id id) const { return state_->store.find(id); }
  [[nodiscard]] std::size_t size() const {
    take_over();
    const std::shared_lock lock(state_->mutex);
    return state_->retriever.size();
  }
  [[nodiscard]] store_version version() const {
    take_over();
    const std::shared_lock lock(state_->mutex);
    return state_->seen;
  }
  [[nodiscard]] const Store& store() const noexcept { return state_->store; }
  /// For statistics such as idf. Not beside edits of other threads.
  [[nodiscard]] const Retriever& retriever() const noexcept { return state_->retriever; }

 private:
  struct state {
    state(Store s, Retriever r) : store(std::move(s)), retriever(std::move(r)) {}
    std::shared_mutex mutex;
    std::mutex refreshing;  // before `mutex`
    Store store;
    Retriever retriever;
    store_version seen = 0;

    // For stores that cannot take back single edits: the versions that their own edits made, and the older ones.
    store_version opened = 0;
    std::vector<store_version> own;
    [[nodiscard]] std::optional<standing_edit> older_edit(std::size_t skipped) const {
      standing_edit edit;
      edit.own = skipped < own.size();
      edit.version = edit.own ? own[own.size() - 1 - skipped]
                              : opened - static_cast<store_version>(std::min<std::size_t>(
                                             skipped - own.size(), static_cast<std::size_t>(opened)));
      return edit.version > 0 ? std::optional(edit) : std::nullopt;
    }
    void forget(std::size_t n_edit) {
      const std::size_t n_own = std::min(n_edit, own.size());
      own.resize(own.size() - n_own);
      opened -= static_cast<store_version>(n_edit - n_own);
    }
  };

  void take_over() const {
    if constexpr (shared_note_store<Store>) refresh();
  }
  void remember(store_version before) {
    if constexpr (!undoing_note_store<Store>) {
      if (state_->store.version() > before) state_->own.push_back(state_->store.version());
    }
  }
  void index(const note& n) const { state_->retriever.update(n.id, without_final_period(n.text)); }
  void catch_up() const {
    const change_set changes = state_->store.changed_since(state_->seen);
    for (const change_set::entry& entry : changes.entries) {
      if (entry.now && entry.now->status == note_status::live) {
        index(*entry.now);
      } else {
        state_->retriever.erase(entry.id);
      }
    }
    state_->seen = changes.version;
  }
  template <class Edit>
  auto edit(Edit&& change) {
    const std::unique_lock lock(state_->mutex);
    const store_version before = state_->seen;
    auto result = change(state_->store);
    catch_up();
    remember(before);
    return result;
  }

  std::unique_ptr<state> state_;
};

}  // namespace quipu::notes

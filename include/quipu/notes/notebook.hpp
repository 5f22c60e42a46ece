/// @file A store and a retriever kept in step: what an editor reads from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

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
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/search_cache.hpp>

namespace quipu::notes {

/// Notes that can be edited and searched. The retriever holds the live notes of the store, without their
/// final periods; it is a cache that is rebuilt from the store on opening.
///
/// If the store is a `shared_note_store`, `refresh` takes over what other processes did; edits do so
/// by themselves.
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
        return;
      }
    }
    state_->retriever.clear();
    state_->seen = state_->store.version();
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
    bool plain = state_->store.version() == before + 1;  // nobody else wrote
    for (const add_result& result : results) plain = plain && result.conflicts.empty();
    if (!plain) {
      catch_up();
      return results;
    }
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
  /// Takes over the edits of other processes. @return true if there were any
  bool refresh() {
    const std::unique_lock lock(state_->mutex);
    if constexpr (shared_note_store<Store>) {
      if (!state_->store.others_wrote()) return false;
    }
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
    const std::shared_lock lock(state_->mutex);
    return state_->retriever.retrieve(query, k);
  }
  /// The best of the live notes for which `accept(const note&)` holds.
  template <class Accept>
  [[nodiscard]] std::vector<scored_note> retrieve_if(std::string_view query, std::size_t k, Accept&& accept) const {
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

  [[nodiscard]] std::optional<note> find(note_id id) const { return state_->store.find(id); }
  [[nodiscard]] std::size_t size() const {
    const std::shared_lock lock(state_->mutex);
    return state_->retriever.size();
  }
  [[nodiscard]] store_version version() const {
    const std::shared_lock lock(state_->mutex);
    return state_->seen;
  }
  [[nodiscard]] const Store& store() const noexcept { return state_->store; }
  /// For statistics such as idf. Not beside edits of other threads.
  [[nodiscard]] const Retriever& retriever() const noexcept { return state_->retriever; }

 private:
  struct state {
    state(Store s, Retriever r) : store(std::move(s)), retriever(std::move(r)) {}
    mutable std::shared_mutex mutex;
    Store store;
    Retriever retriever;
    store_version seen = 0;
  };

  void index(const note& n) { state_->retriever.update(n.id, without_final_period(n.text)); }
  void catch_up() {
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
    auto result = change(state_->store);
    catch_up();
    return result;
  }

  std::unique_ptr<state> state_;
};

}  // namespace quipu::notes

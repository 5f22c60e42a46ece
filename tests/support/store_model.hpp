/// @file A slow and simple store of notes that remembers every state, to compare real stores with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::test {

/// The whole table of notes at every version, copied each time.
struct store_model {
  using table = std::map<notes::note_id, notes::note>;
  std::vector<table> versions = {{}};
  notes::note_id last_id = 0;

  [[nodiscard]] const table& now() const { return versions.back(); }

  static bool same_slot(const notes::note& a, const notes::note& b) {
    return !a.subject.empty() && !a.relation.empty() &&
           notes::normalised_statement(a.subject) == notes::normalised_statement(b.subject) &&
           notes::normalised_statement(a.relation) == notes::normalised_statement(b.relation);
  }
  notes::add_result add_to(table& t, notes::note n, const notes::edit_options& options) {
    using namespace notes;
    add_result result;
    for (const auto& [id, other] : t) {
      if (other.status == note_status::live &&
          normalised_statement(other.text) == normalised_statement(n.text)) {
        return {id, add_outcome::duplicate, {}};
      }
    }
    for (const auto& [id, other] : t) {
      if (other.status == note_status::live && same_slot(other, n)) result.conflicts.push_back(id);
    }
    if (options.on_conflict == conflict_policy::reject && !result.conflicts.empty()) {
      result.outcome = add_outcome::rejected;
      return result;
    }
    n.id = result.id = ++last_id;
    n.status = note_status::live;
    n.supersedes = n.superseded_by = no_note;
    if (n.created == 0) n.created = options.when;
    if (options.on_conflict == conflict_policy::supersede) {
      for (const note_id old : result.conflicts) {
        t[old].status = note_status::superseded;
        t[old].superseded_by = n.id;
        n.supersedes = old;
      }
    }
    t[n.id] = n;
    return result;
  }
  notes::add_result add(const notes::note& n, const notes::edit_options& options) {
    table t = now();
    const auto result = add_to(t, n, options);
    commit(std::move(t));
    return result;
  }
  std::vector<notes::add_result> add_batch(const std::vector<notes::note>& batch,
                                           const notes::edit_options& options) {
    table t = now();
    std::vector<notes::add_result> results;
    for (const auto& n : batch) results.push_back(add_to(t, n, options));
    commit(std::move(t));
    return results;
  }
  bool update(notes::note n) {
    table t = now();
    const auto place = t.find(n.id);
    if (place == t.end() || place->second.status != notes::note_status::live) return false;
    if (n.created == 0) n.created = place->second.created;
    n.status = place->second.status;
    n.supersedes = place->second.supersedes;
    n.superseded_by = place->second.superseded_by;
    place->second = n;
    commit(std::move(t));
    return true;
  }
  bool erase(notes::note_id id) {
    table t = now();
    const bool found = t.erase(id) == 1;
    commit(std::move(t));
    return found;
  }
  void undo_to(notes::store_version version) {
    table t = versions[static_cast<std::size_t>(version)];
    commit(std::move(t));
  }

 private:
  void commit(table t) {
    if (t != now()) versions.push_back(std::move(t));
  }
};

template <class Store>
store_model::table live_notes(const Store& store) {
  store_model::table found;
  notes::note_id last = 0;
  store.for_each([&](const notes::note& n) {
    CHECK(n.id > last);
    last = n.id;
    found[n.id] = n;
  });
  return found;
}

/// Notes from a small world, so that duplicates and conflicts are common.
inline notes::note random_note(std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  static const char* const subjects[] = {"Norway", "norway", "Peru", "Chad", "Åland", ""};
  static const char* const relations[] = {"capital", "language", ""};
  notes::note n;
  n.subject = subjects[pick(6)];
  n.relation = relations[pick(3)];
  n.object = "city " + std::to_string(pick(5));
  n.text = "The " + n.relation + " of " + n.subject + " is " + n.object + (pick(2) == 0 ? "." : "");
  if (pick(3) == 0) n.tags = {"tag " + std::to_string(pick(3)), "日本"};
  if (pick(3) == 0) n.valid_from = pick(100);
  if (pick(3) == 0) n.valid_until = 100 + pick(100);
  if (pick(2) == 0) n.source = "source \"" + std::to_string(pick(9)) + "\"";
  if (pick(2) == 0) n.created = 1 + pick(1000);
  return n;
}

/// Drives a store and the model with the same random edits and compares every answer and every state.
template <class Store>
void compare_with_model(Store& store, unsigned seed, int n_step) {
  using namespace notes;
  store_model model;
  std::mt19937 random(seed);
  for (int step = 0; step < n_step; ++step) {
    const auto when = static_cast<time_ms>(1000 + step);
    const edit_options options{static_cast<conflict_policy>(random() % 3), when};
    const auto some_id = static_cast<note_id>(random() % static_cast<unsigned>(model.last_id + 2));
    const store_version version_before = store.version();
    switch (random() % 8) {
      case 0:
      case 1: {
        const note n = random_note(random);
        CHECK(store.add(n, options) == model.add(n, options));
        break;
      }
      case 2:
      case 3: {
        std::vector<note> batch(random() % 5);
        for (note& n : batch) n = random_note(random);
        CHECK(store.add_batch(batch, options) == model.add_batch(batch, options));
        break;
      }
      case 4: {
        note n = random_note(random);
        n.id = some_id;
        CHECK(store.update(n, when) == model.update(n));
        break;
      }
      case 5: CHECK(store.erase(some_id, when) == model.erase(some_id)); break;
      case 6: {
        if (random() % 3 != 0) break;
        const auto version = static_cast<store_version>(random() % model.versions.size());
        store.undo_to(version, when);
        model.undo_to(version);
        break;
      }
      default: break;
    }
    REQUIRE(store.version() == static_cast<store_version>(model.versions.size()) - 1);
    store_model::table live;
    for (const auto& [id, n] : model.now()) {
      if (n.status == note_status::live) live[id] = n;
      CHECK(store.find(id) == n);
    }
    REQUIRE(live_notes(store) == live);
    CHECK(store.size() == live.size());
    // What changed since the step before, and since a random older version.
    for (const store_version since : {version_before, static_cast<store_version>(random() % model.versions.size())}) {
      const change_set changes = store.changed_since(since);
      CHECK(changes.version == store.version());
      store_model::table caught_up = model.versions[static_cast<std::size_t>(since)];
      for (const auto& entry : changes.entries) {
        caught_up.erase(entry.id);
        if (entry.now) caught_up[entry.id] = *entry.now;
      }
      REQUIRE(caught_up == model.now());
    }
  }
  // The history of every note leads from nothing to what it is, through what it was at each version.
  for (note_id id = 1; id <= model.last_id; ++id) {
    const std::vector<note_change> history = store.history(id);
    std::optional<note> last;
    std::size_t next = 0;
    for (std::size_t version = 1; version < model.versions.size(); ++version) {
      for (; next < history.size() && history[next].version == static_cast<store_version>(version); ++next) {
        REQUIRE(history[next].before == last);
        last = history[next].after;
      }
      const auto place = model.versions[version].find(id);
      const auto expected = place == model.versions[version].end() ? std::nullopt : std::optional<note>(place->second);
      REQUIRE(last == expected);
    }
    CHECK(next == history.size());
  }
  CHECK_THROWS_AS(store.undo_to(-1, 0), config_error);
  CHECK_THROWS_AS(store.undo_to(store.version() + 1, 0), config_error);
  CHECK(store.find(model.last_id + 1) == std::nullopt);
}

}  // namespace quipu::test

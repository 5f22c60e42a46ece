/// @file A store of notes in one SQLite file: transactional, shared between processes, never loses a note.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include <quipu/core/error.hpp>
#include <quipu/notes/edit_rules.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/sqlite_connection.hpp>
#include <quipu/notes/sqlite_file.hpp>
#include <quipu/notes/sqlite_rows.hpp>
#include <quipu/notes/sqlite_schema.hpp>
#include <quipu/notes/undo_rules.hpp>

namespace quipu::notes {

/// Notes and their history in one database file (with its -wal and -shm companions while it is open). It is
/// created if it does not exist; older schemas are migrated.
///
/// Every edit is one SQLite transaction in write-ahead-log mode. Several processes may have the file open;
/// `others_wrote` tells when `changed_since` has something new. Once the file or its log was removed or replaced behind
/// the store's back, every edit and `others_wrote` throw: what they wrote would be nowhere.
///
/// A file is compared on opening with what a notebook is made of, and its counters with what its tables hold. A damaged
/// full-text index, which derives from the notes, is made anew: see `warnings`.
///
/// Threads: any member from any thread, one at a time; for reading beside a writer open a second store on
/// the same file.
class sqlite_store {
 public:
  /// @throws config_error  no name, or ":memory:": the notes would be kept nowhere (see memory_store)
  /// @throws format_error  damaged, another program's database, or written by a newer version
  /// @throws io_error      cannot be opened, created or written, or is no regular file
  explicit sqlite_store(const std::string& path, const sqlite_store_options& options = {})
      : state_(std::make_unique<state>(path, options)) {}

  /// @throws format_error  see check_note
  /// @throws io_error      disk full, read-only, locked: nothing is changed, the store stays usable
  add_result add(const note& fresh, const edit_options& options = {}) {
    return transact(options.when, [&](auto& rows) { return edit_rules::add(rows, fresh, options); });
  }
  /// All or, if it throws, none. Far cheaper than single adds.
  std::vector<add_result> add_batch(std::span<const note> fresh, const edit_options& options = {}) {
    return transact(options.when, [&](auto& rows) {
      std::vector<add_result> results;
      results.reserve(fresh.size());
      for (const note& n : fresh) results.push_back(edit_rules::add(rows, n, options));
      return results;
    });
  }
  bool update(const note& content, time_ms when = wall_time_ms()) {
    return transact(when, [&](auto& rows) { return edit_rules::update(rows, content); });
  }
  bool erase(note_id id, time_ms when = wall_time_ms()) {
    return transact(when, [&](auto& rows) { return edit_rules::erase(rows, id); });
  }
  note_id supersede(note_id old, const note& replacement, time_ms when = wall_time_ms()) {
    return transact(when, [&](auto& rows) { return edit_rules::supersede(rows, old, replacement, when); });
  }
  /// @throws config_error  if `version` lies outside 0 .. version()
  void undo_to(store_version version, time_ms when = wall_time_ms()) {
    transact(when, [&](auto& rows) {
      edit_rules::check_version(version, rows.state().version);
      edit_rules::undo_to(rows, version);
      return true;
    });
  }

  /// See `undoing_note_store`: edits of this very store, then those that stood when it was opened.
  [[nodiscard]] std::optional<standing_edit> last_edit() const {
    return snapshot(
        [&](sqlite_rows& rows) { return standing_edits<sqlite_rows>(rows, state_->own, state_->opened).last(); });
  }
  /// @throws config_error  there are not so many edits
  std::vector<standing_edit> undo(std::size_t n_edit = 1, time_ms when = wall_time_ms()) {
    std::vector<standing_edit> done = transact(when, [&](auto& rows) {
      return standing_edits<sqlite_rows>(rows, state_->own, state_->opened).take_back(n_edit);
    });
    const std::lock_guard lock(state_->mutex);
    for (const standing_edit& edit : done) std::erase(state_->own, edit.version);
    return done;
  }

  /// A note of any status.
  /// @throws format_error  the file is damaged there
  [[nodiscard]] std::optional<note> find(note_id id) const {
    const std::lock_guard lock(state_->mutex);
    return state_->rows.row(id);
  }
  /// Live notes.
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(state_->mutex);
    return static_cast<std::size_t>(state_->rows.read_counters().n_live);
  }
  /// Visits the live notes of one moment in ascending order. The visitor must not use the store.
  /// @throws format_error  the file is damaged: a row without its checksum, or rows that are missing
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    snapshot([&](sqlite_rows& rows) {
      sqlite_statement all(state_->connection,
                           concat("select ", sqlite_rows::columns, " from notes where status = 0 order by id"));
      std::int64_t n_seen = 0;
      note_id last = no_note;
      for (; all.step(); ++n_seen) {
        const note n = rows.read(all);
        if (n.id <= last) {  // a page that lists one row twice and hides another
          fail<format_error>(concat(state_->connection.path(), ": live notes"), concat("an id above ", last), n.id);
        }
        last = n.id;
        visit(n);
      }
      if (const auto expected = rows.read_counters().n_live; n_seen != expected) {
        fail<format_error>(concat(state_->connection.path(), ": live notes"), expected, n_seen);
      }
      return true;
    });
  }

  [[nodiscard]] store_version version() const {
    const std::lock_guard lock(state_->mutex);
    return state_->rows.read_counters().version;
  }
  /// A name for the notes as they were at `version`: stores with equal names held equal notes. Nothing if
  /// the store has no such version. Caches of indexes and vectors are kept under it.
  [[nodiscard]] std::optional<std::string> fingerprint(store_version version) const {
    const std::lock_guard lock(state_->mutex);
    if (version == 0) return "0:0";
    sqlite_statement chain(state_->connection, "select chain from edits where version = ?1");
    if (!chain.bind(version).step()) return std::nullopt;
    return concat(version, ":", chain.integer(0));
  }
  /// Every change of one note, oldest first.
  [[nodiscard]] std::vector<note_change> history(note_id id) const {
    return snapshot([&](sqlite_rows& rows) {
      std::vector<note_change> changes = rows.changes_of(id);
      for (std::size_t i = 0; i + 1 < changes.size(); ++i) changes[i].after = changes[i + 1].before;
      if (!changes.empty()) changes.back().after = rows.row(id);
      return changes;
    });
  }
  [[nodiscard]] change_set changed_since(store_version version) const {
    return snapshot([&](sqlite_rows& rows) {
      change_set changes;
      changes.version = rows.read_counters().version;
      for (const note_id id : rows.changed_after(version)) changes.entries.push_back({id, rows.row(id)});
      return changes;
    });
  }
  /// True if another connection has changed the file since the last call. Costs some microseconds.
  /// @throws io_error  the file was removed or replaced
  [[nodiscard]] bool others_wrote() const {
    const std::lock_guard lock(state_->mutex);
    state_->check_place();
    const statement_end end(state_->data_version);
    state_->data_version.bind().step();
    const std::int64_t now = state_->data_version.integer(0);
    return std::exchange(state_->last_data_version, now) != now;
  }

  /// Reads the whole file: SQLite's own check, checksums, counters, the full-text index and the change
  /// log. @return the problems found, empty if the file is sound
  [[nodiscard]] std::vector<std::string> check_integrity() const {
    std::vector<std::string> problems;
    try {
      snapshot([&](sqlite_rows& rows) {
        sqlite_statement own(state_->connection, "pragma integrity_check");
        while (own.step()) {
          if (own.text(0) != "ok") problems.emplace_back(own.text(0));
        }
        sqlite_statement all(state_->connection, concat("select ", sqlite_rows::columns, " from notes"));
        std::int64_t n_live = 0;
        while (all.step()) {
          const note n = rows.read(all);
          n_live += n.status == note_status::live ? 1 : 0;
          const std::string slot = slot_of(n);
          const bool keyed = all.integer(13) == key_hash(normalised_statement(n.text)) &&
                             all.is_null(14) == slot.empty() && (slot.empty() || all.integer(14) == key_hash(slot));
          if (!keyed) problems.push_back(concat("note ", n.id, ": its keys do not belong to its text"));
        }
        const auto counters = rows.read_counters();
        if (n_live != counters.n_live) {
          problems.push_back(concat("live notes: counted ", n_live, ", recorded ", counters.n_live));
        }
        sqlite_statement logged(state_->connection, "select note, before, version, kind, crc from changes");
        while (logged.step()) (void)rows.before_of(logged, 1, logged.integer(0), logged.integer(2));
        const auto number = [&](const char* sql) { return state_->connection.number(sql); };
        if (number("select coalesce((select chain from edits order by version desc limit 1), 0)") != counters.chain ||
            number("select coalesce(max(version), 0) from edits") != counters.version) {
          problems.emplace_back("the edits do not end at the recorded version");
        }
        if (number("select count(*) from notes_words_docsize") != n_live) {
          problems.emplace_back("the full-text index does not hold every live note");
        }
        return true;
      });
      if (!state_->connection_read_only()) {
        state_->connection.run("insert into notes_words(notes_words, rank) values('integrity-check', 0)");
      }
    } catch (const error& problem) {
      problems.emplace_back(problem.what());
    }
    return problems;
  }

  [[nodiscard]] const std::string& path() const noexcept { return state_->connection.path(); }
  /// What a user should know: that the full-text index was made anew.
  [[nodiscard]] std::vector<std::string> warnings() const {
    const std::lock_guard lock(state_->mutex);
    return state_->warnings;
  }

 private:
  struct state {
    state(const std::string& path, const sqlite_store_options& options)
        : connection(sqlite_file::open(path, options)),
          rows(connection),
          data_version(connection, "pragma data_version"),
          begin(connection, "begin immediate"),
          commit(connection, "commit") {
      data_version.bind().step();
      last_data_version = data_version.integer(0);
      data_version.reset();
      const sqlite_file::trusted_counters trusted = sqlite_file::check_counters(connection, rows);
      opened = trusted.version;
      if (!trusted.words_work && !connection_read_only()) rebuild_words();
      place = sqlite_file::place(connection);
    }
    [[nodiscard]] bool connection_read_only() const { return sqlite3_db_readonly(connection.get(), "main") == 1; }
    void check_place() const { place.check(connection); }
    void rebuild_words() {
      rows.release_words();
      sqlite_schema::rebuild_words(connection);
      warnings.push_back(
          concat(connection.path(), ": the full-text index was damaged and has been made anew from the notes"));
    }

    std::mutex mutex;
    sqlite_connection connection;
    sqlite_rows rows;
    sqlite_statement data_version, begin, commit;
    std::int64_t last_data_version = 0;
    sqlite_file::place place;
    store_version opened = 0;
    std::vector<store_version> own;  // edits made through this store
    std::vector<std::string> warnings;
  };

  template <class Edit>
  std::invoke_result_t<Edit, sqlite_rows&> transact(time_ms when, Edit&& edit) {
    const std::lock_guard lock(state_->mutex);
    std::exception_ptr cause;
    try {
      return transact_once(when, edit);
    } catch (const damaged_database&) {
      cause = std::current_exception();
    }
    // FTS5 writes its buffer in whichever statement comes next: any of them may have met a damaged full-text index. It
    // derives from the notes, so it is made anew.
    try {
      state_->rebuild_words();
    } catch (const std::exception&) {
      std::rethrow_exception(cause);
    }
    return transact_once(when, edit);
  }
  template <class Edit>
  std::invoke_result_t<Edit, sqlite_rows&> transact_once(time_ms when, Edit& edit) {
    state_->check_place();
    state_->begin.bind().run();
    const std::size_t n_own = state_->own.size();
    auto result = [&] {
      try {
        state_->rows.begin_edit(when);
        auto all = edit(state_->rows);
        if (state_->rows.end_edit()) state_->own.push_back(state_->rows.state().version + 1);
        state_->commit.bind().run();
        return all;
      } catch (...) {
        state_->own.resize(n_own);
        roll_back();
        throw;
      }
    }();
    if (state_->own.size() != n_own) state_->check_place();  // an edit is acknowledged only where others find it
    return result;
  }
  /// Reads that belong together see one state of the file.
  template <class Read>
  std::invoke_result_t<Read, sqlite_rows&> snapshot(Read&& read) const {
    const std::lock_guard lock(state_->mutex);
    state_->connection.run("begin");
    try {
      auto result = read(state_->rows);
      state_->connection.run("commit");
      return result;
    } catch (...) {
      roll_back();
      throw;
    }
  }
  void roll_back() const noexcept {
    sqlite3_exec(state_->connection.get(), "rollback", nullptr, nullptr, nullptr);
  }

  std::unique_ptr<state> state_;
};

static_assert(note_store<sqlite_store> && undoing_note_store<sqlite_store>);

}  // namespace quipu::notes

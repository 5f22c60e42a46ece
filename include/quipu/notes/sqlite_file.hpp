/// @file Opening the file of a note database: what it may be called, what it must hold, and whether it is still there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sqlite3.h>
#include <sys/stat.h>

#include <quipu/core/error.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/sqlite_connection.hpp>
#include <quipu/notes/sqlite_rows.hpp>
#include <quipu/notes/sqlite_schema.hpp>

namespace quipu::notes {

enum class store_access : std::uint8_t { read_write, read_only };

/// What an edit survives once its call has returned.
enum class store_durability : std::uint8_t {
  power_loss,    ///< also a crash of the machine: every edit waits for the disk
  process_kill,  ///< SIGKILL and crashes of the program; a power cut may cost the last edits, not the file
};

struct sqlite_store_options {
  store_access access = store_access::read_write;
  store_durability durability = store_durability::power_loss;
  int busy_ms = 10'000;                             ///< how long to wait for another process's edit
  std::size_t cache_bytes = std::size_t{64} << 20;  ///< page cache
};

namespace sqlite_file {

/// A name under which SQLite keeps what it is given in a file.
/// @throws config_error  it would keep it nowhere
/// @throws io_error      a device, a pipe or a folder is there
[[nodiscard]] inline std::string checked_path(const std::string& path) {
  if (path.empty() || path == ":memory:") {
    fail<config_error>("note store: path", "the name of a file", path.empty() ? "none" : ":memory:, which is none");
  }
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    fail<io_error>(path, "a regular file", S_ISDIR(there.st_mode) ? "a folder" : "a device or a pipe");
  }
  return path.starts_with("file:") ? "./" + path : path;  // else SQLite may take it for a URI
}

[[nodiscard]] inline sqlite_connection open(const std::string& path, const sqlite_store_options& options) {
  const bool writes = options.access == store_access::read_write;
  sqlite_connection connection(checked_path(path),
                               writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  sqlite3_busy_timeout(connection.get(), options.busy_ms);
  // Before any pragma that reads the file: SQLite would answer with an error of its own.
  if (writes && sqlite3_db_readonly(connection.get(), "main") == 1) {
    throw io_error(concat(path, ": the file is read-only; open it with store_access::read_only"));
  }
  connection.run(concat("pragma cache_size = -", options.cache_bytes / 1024).c_str());
  // Look before touching: another program's file must stay as it is.
  const step_budget budget(connection, sqlite_schema::allowed_steps(connection));
  const sqlite_schema::file_kind kind = sqlite_schema::recognise(connection);
  if (kind == sqlite_schema::file_kind::ours) sqlite_schema::check_objects(connection);
  if (!writes) {
    if (kind == sqlite_schema::file_kind::empty) fail<format_error>(path, "a note database", "an empty file");
    if (connection.number("pragma user_version") != sqlite_schema::newest) {
      fail<format_error>(path, "the newest schema for reading (open it for writing once)", "an older one");
    }
    return connection;
  }
  // The keys' pages change in every batch: moving them into the file less often saves most of the writing.
  connection.run("pragma wal_autocheckpoint = 8192");
  const bool full = options.durability == store_durability::power_loss;
  connection.run(full ? "pragma synchronous = full" : "pragma synchronous = normal");
  // Changing to WAL fails at once if another process is just doing the same.
  for (int wait_ms = 1;
       sqlite3_exec(connection.get(), "pragma journal_mode = wal", nullptr, nullptr, nullptr) != SQLITE_OK;
       wait_ms *= 2) {
    const int code = sqlite3_extended_errcode(connection.get());
    if ((code & 0xff) != SQLITE_BUSY || wait_ms > options.busy_ms) connection.check(code, "write-ahead log");
    sqlite3_sleep(wait_ms);
  }
  if (kind == sqlite_schema::file_kind::empty || connection.number("pragma user_version") < sqlite_schema::newest) {
    sqlite_schema::bring_up_to_date(connection);
  }
  return connection;
}

/// Where a connection's file and its log are, to tell whether somebody took them away.
class place {
 public:
  place() = default;
  /// @pre the connection has read from the file
  explicit place(const sqlite_connection& connection)
      : log_(concat(sqlite3_db_filename(connection.get(), "main"), "-wal")),
        has_log_(::stat(log_.c_str(), &at_log_) == 0) {}

  /// @throws io_error  the file or its log was removed or replaced: edits would be kept nowhere
  void check(const sqlite_connection& connection) const {
    int moved = 0;
    sqlite3_file_control(connection.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved != 0) refuse(connection.path());
    struct stat now {};
    if (!has_log_) return;
    if (::stat(log_.c_str(), &now) != 0 || now.st_ino != at_log_.st_ino || now.st_dev != at_log_.st_dev) refuse(log_);
  }

 private:
  [[noreturn]] static void refuse(const std::string& path) {
    fail<io_error>(path, "the file that was opened",
                   "that it was removed or replaced; nothing more can be noted in it");
  }

  std::string log_;
  struct stat at_log_ {};
  bool has_log_ = false;
};

struct trusted_counters {
  store_version version = 0;
  bool words_work = true;
};

/// Compares the counters of a file with what its tables hold: what comes after them relies on them.
/// @throws format_error  they contradict each other, or are out of any sense
[[nodiscard]] inline trusted_counters check_counters(const sqlite_connection& connection, sqlite_rows& rows) {
  const step_budget budget(connection, sqlite_schema::allowed_steps(connection));
  connection.run("begin");  // all of one moment
  try {
    const sqlite_rows::counters state = rows.read_counters();
    const auto expect = [&](const char* what, std::int64_t stated, const char* sql) {
      const std::int64_t counted = connection.number(sql);
      constexpr std::int64_t largest = std::int64_t{1} << 53;  // more than anybody edits
      if (stated != counted || counted < 0 || counted > largest) {
        fail<format_error>(concat(connection.path(), ": ", what), counted > largest ? largest : counted, stated);
      }
    };
    expect("live notes", state.n_live, "select count(*) from notes where status = 0");
    expect("version", state.version, "select coalesce(max(version), 0) from edits");
    expect("last id", state.last_id, "select coalesce(max(note), 0) from changes");
    if (connection.number("select coalesce(max(id), 0) from notes") > state.last_id) {
      fail<format_error>(concat(connection.path(), ": last id"), "that of the newest note", state.last_id);
    }
    if (connection.number("select coalesce((select chain from edits order by version desc limit 1), 0)") !=
        state.chain) {
      fail<format_error>(concat(connection.path(), ": chain"), "that of the last edit", state.chain);
    }
    const trusted_counters trusted{state.version, sqlite_schema::words_work(connection, state.n_live)};
    connection.run("commit");
    return trusted;
  } catch (...) {
    sqlite3_exec(connection.get(), "rollback", nullptr, nullptr, nullptr);
    throw;
  }
}

}  // namespace sqlite_file

}  // namespace quipu::notes

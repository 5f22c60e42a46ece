/// @file SQLite connections and statements that close themselves and throw the library's errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include <quipu/core/error.hpp>

namespace quipu::notes {

/// What SQLite found wrong with a file.
class damaged_database : public format_error {
 public:
  using format_error::format_error;
};

/// Throws what an SQLite result code means.
/// @throws damaged_database  the file is damaged or no database, or memory is used up, which SQLite cannot tell apart
/// @throws io_error      disk full, read-only, locked by others for too long, or another refusal
[[noreturn]] inline void throw_sqlite(int code, const std::string& path, std::string_view what) {
  const int primary = code & 0xff;
  if (primary == SQLITE_NOMEM) {  // also where a damaged count asks for too much
    fail<damaged_database>(path, "no more than memory holds", concat("more, or a damaged count (", what.substr(0, 60), ")"));
  }
  if (primary == SQLITE_INTERRUPT) {  // by `step_budget`
    fail<format_error>(path, "an end after as many steps as its size explains", "none");
  }
  const std::string message = concat(path, ": ", what, ": ", sqlite3_errstr(code));
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
      fail<damaged_database>(path, "a sound note database", concat(sqlite3_errstr(code), " (", what.substr(0, 60), ")"));
    default: throw io_error(message);
  }
}

/// A connection to one database file, whose contents nobody vouches for: triggers and views do not run, the schema may
/// call nothing but SQLite's own harmless functions, and statements and schemas have small limits. One thread at a
/// time.
class sqlite_connection {
 public:
  sqlite_connection() = default;
  /// @param flags  SQLITE_OPEN_...
  sqlite_connection(const std::string& path, int flags) : path_(path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    handle_.reset(opened);
    if (code != SQLITE_OK) throw_sqlite(code, path, "cannot open");
    sqlite3_extended_result_codes(opened, 1);
    defend();
  }

  [[nodiscard]] sqlite3* get() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  void check(int code, std::string_view what) const {
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) throw_sqlite(code, path_, what);
  }
  /// Runs statements that return nothing.
  void run(const char* sql) const { check(sqlite3_exec(get(), sql, nullptr, nullptr, nullptr), sql); }
  /// First column of the first row. @throws format_error  if there is no row
  [[nodiscard]] std::int64_t number(const char* sql) const;

 private:
  // Source: "Defense Against The Dark Arts", sqlite.org/security.html.
  void defend() const {
    const auto set = [&](int option, int on) { check(sqlite3_db_config(get(), option, on, nullptr), "settings"); };
    set(SQLITE_DBCONFIG_DEFENSIVE, 1);
    set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
    set(SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
    set(SQLITE_DBCONFIG_ENABLE_VIEW, 0);
    set(SQLITE_DBCONFIG_ENABLE_FKEY, 0);
    constexpr struct {
      int limit, largest;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 1 << 29},   {SQLITE_LIMIT_SQL_LENGTH, 100'000}, {SQLITE_LIMIT_COLUMN, 100},
        {SQLITE_LIMIT_EXPR_DEPTH, 20},    {SQLITE_LIMIT_COMPOUND_SELECT, 10}, {SQLITE_LIMIT_VDBE_OP, 100'000},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},   {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_VARIABLE_NUMBER, 50},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 10}, {SQLITE_LIMIT_WORKER_THREADS, 0}};
    for (const auto& [limit, largest] : limits) sqlite3_limit(get(), limit, largest);
    run("pragma cell_size_check = on; pragma mmap_size = 0");
  }

  struct closer {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, closer> handle_;
};

/// A prepared statement. Bind values, step through rows; `reset` happens by itself at the end of the rows and
/// on the next bind, but a statement left in the middle keeps its view of the file: see `statement_end`.
class sqlite_statement {
 public:
  sqlite_statement() = default;
  sqlite_statement(const sqlite_connection& connection, std::string_view sql) : connection_(&connection) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    handle_.reset(prepared);
    connection.check(code, sql);
  }

  /// Binds the arguments to ?1, ?2, ...: integers, optionals of them and texts. Texts must stay alive
  /// until the last step.
  template <class... Values>
  sqlite_statement& bind(const Values&... values) {
    sqlite3_reset(handle_.get());
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// @return true if there is a row to read
  bool step() {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    sqlite3_reset(handle_.get());
    if (code != SQLITE_DONE) connection_->check(code, sqlite3_sql(handle_.get()));
    return false;
  }
  /// Runs to the end, passing over rows.
  void run() {
    while (step()) {
    }
  }
  /// Ends reading early, so that the statement holds no lock.
  void reset() noexcept { sqlite3_reset(handle_.get()); }

  [[nodiscard]] std::int64_t integer(int column) const noexcept {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] double real(int column) const noexcept { return sqlite3_column_double(handle_.get(), column); }
  [[nodiscard]] bool is_null(int column) const noexcept {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const noexcept {
    return is_null(column) ? std::nullopt : std::optional<std::int64_t>(integer(column));
  }
  /// Valid until the next step.
  [[nodiscard]] std::string_view text(int column) const noexcept {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<std::size_t>(size));
  }

 private:
  void bind_one(int place, std::int64_t value) { checked(sqlite3_bind_int64(handle_.get(), place, value)); }
  void bind_one(int place, const std::optional<std::int64_t>& value) {
    value ? bind_one(place, *value) : checked(sqlite3_bind_null(handle_.get(), place));
  }
  void bind_one(int place, std::string_view value) {
    if (value.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      fail<format_error>(connection_->path(), "a text below 2 GiB", value.size());
    }
    const char* bytes = value.data() == nullptr ? "" : value.data();  // a null pointer would bind NULL
    checked(sqlite3_bind_text(handle_.get(), place, bytes, static_cast<int>(value.size()), SQLITE_STATIC));
  }
  void checked(int code) const { connection_->check(code, "bind"); }

  struct finaliser {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  const sqlite_connection* connection_ = nullptr;
  std::unique_ptr<sqlite3_stmt, finaliser> handle_;
};

/// Resets a statement when the scope ends, whatever happens.
class statement_end {
 public:
  explicit statement_end(sqlite_statement& statement) noexcept : statement_(statement) {}
  statement_end(const statement_end&) = delete;
  statement_end& operator=(const statement_end&) = delete;
  ~statement_end() { statement_.reset(); }

 private:
  sqlite_statement& statement_;
};

/// While one of these is there, statements of a connection that need more than so many steps of SQLite's machine end
/// with a format_error: a hostile file must not keep the reader busy.
class step_budget {
 public:
  step_budget(const sqlite_connection& connection, std::int64_t n_step)
      : connection_(connection), left_(n_step / piece) {
    sqlite3_progress_handler(connection.get(), piece, spend, this);
  }
  step_budget(const step_budget&) = delete;
  step_budget& operator=(const step_budget&) = delete;
  ~step_budget() { sqlite3_progress_handler(connection_.get(), 0, nullptr, nullptr); }

 private:
  static constexpr int piece = 1000;
  static int spend(void* self) noexcept { return --static_cast<step_budget*>(self)->left_ < 0 ? 1 : 0; }

  const sqlite_connection& connection_;
  std::int64_t left_;
};

inline std::int64_t sqlite_connection::number(const char* sql) const {
  sqlite_statement statement(*this, sql);
  if (!statement.step()) fail<format_error>(path_, concat("a row from ", sql), "none");
  return statement.integer(0);
}

}  // namespace quipu::notes
